"""The crash points beside a payment's way, by name: what the bank takes back, sessions, the jobs of
a business day."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from support.client import PASSWORD, SAMPLE_LEASE, contract, eventually
from support.journeys import after
from support.people import send
from support.points import AUTH, JOBS, RETURN

RETURNS, TOKENS, CLOCK = "/v1/sandbox/bank/returns", "/v1/auth/tokens", "/v1/sandbox/clock"
ME, CURRENT = "/v1/auth/me", "/v1/auth/sessions/current"
FAMILY = """
SELECT count(*) FILTER (WHERE spent_at IS NOT NULL), count(*) FILTER (WHERE spent_at IS NULL)
FROM refresh_token WHERE session_id = :sid
"""
ENDED = "SELECT ended_at IS NOT NULL, end_reason FROM session WHERE id = :sid"
GRACE_S = 10
DAYS_MAX = 12
WALK_S_MAX = 120
OLD_LEASE = {"contract_date": "2022-04-01", "first_due_date": "2022-04-01"}
"""Ends on 2025-04-01: a notice is due whenever it is boarded before."""
A_DAY_AGO = "UPDATE job_run SET business_date = business_date - 1 WHERE job = 'forget'"
FORGOTTEN = "SELECT count(*), count(DISTINCT chunk) FROM job_run WHERE job = 'forget' AND " \
            "business_date = (SELECT max(business_date) FROM job_run)"  # fmt: skip
BANK = "SELECT amount, state FROM sandbox_bank_entry WHERE payment_id = :id"
NOTICES = "SELECT count(*) FROM outbox WHERE type = 'lease.maturity_approaching.v1' " \
          "AND subject = :id"  # fmt: skip
pytestmark = pytest.mark.timeout(300)


def test_a_return_that_is_killed_when_it_is_stored_and_when_it_is_booked_reverses_once(
    payer, doomed
):
    payment, books = payer.pay(), payer.books
    payer.customer.until(payment["id"], "posted")
    books.settle()
    web, ledger = doomed("payments-web"), doomed("accounts-worker")
    ledger.arm(RETURN[1])
    web.arm(RETURN[0])
    body = {"payment_id": payment["id"], "code": "R01"}
    assert send(payer.api, "POST", RETURNS, json=body) is None
    web.until_fallen()
    stored = "SELECT count(*) FROM bank_return WHERE payment_id = :id"
    assert books.one("payments", stored, id=payment["id"]) == 0
    web.revive()
    answer = eventually(lambda: send(payer.api, "POST", RETURNS, json=body), "an answer")
    assert answer.json() == {"status": "applied"}
    ledger.until_fallen()
    assert books.reversals(payment["id"]) == 0
    ledger.revive()
    eventually(lambda: books.reversals(payment["id"]), "the reversal")
    assert payer.customer.get(f"/v1/payments/{payment['id']}")["state"] == "returned"
    assert send(payer.api, "POST", RETURNS, json=body).json() == {"status": "parked"}
    books.settle()
    assert books.reversals(payment["id"]) == 1


def test_a_session_killed_as_it_rotates_has_one_token_and_killed_as_it_ends_has_ended(
    payer, doomed, valkey_url
):
    web, books, api = doomed("auth-web"), payer.books, payer.api
    issued, _, sid = logged_in(payer)
    web.arm(AUTH[0])
    began = time.monotonic()
    assert refreshed(api, issued) is None
    web.until_fallen()
    assert books.rows("auth", FAMILY, sid=sid) == [(1, 1)]
    web.revive()
    again = eventually(lambda: refreshed(api, issued), "an answer")
    assert again.status_code == 200 or time.monotonic() - began > GRACE_S
    assert books.rows("auth", FAMILY, sid=sid) == [(1, 1)]

    issued, customer, sid = logged_in(payer)
    web.arm(AUTH[1])
    assert send(customer, "DELETE", CURRENT) is None
    web.until_fallen()
    assert books.rows("auth", ENDED, sid=sid) == [(False, None)]
    with Redis.from_url(valkey_url) as store:
        assert not store.exists(f"session:{sid}")
    assert customer.http.get("/v1/payments").status_code == 401
    web.revive()
    assert customer.http.get(ME).status_code == 401
    assert refreshed(api, issued).status_code == 401
    assert books.rows("auth", ENDED, sid=sid) == [(True, "ended_elsewhere")]


def logged_in(payer):
    """A new session: what was issued, who is in it, its id."""
    credentials = {"grant": "password", "user_id": payer.email, "password": PASSWORD}
    issued = payer.api.send("POST", TOKENS, credentials)
    customer = payer.api.as_user(issued["access_token"])
    sessions = customer.get("/v1/auth/sessions")["data"]
    return issued, customer, next(each["id"] for each in sessions if each["current"])


def refreshed(api, issued):
    """The answer to a refresh; None when there was none."""
    body = {"grant": "refresh", "refresh_token": issued["refresh_token"]}
    return send(api, "POST", TOKENS, json=body)


def test_days_whose_every_job_is_killed_do_their_work_once(payer, doomed):
    books, today = payer.books, payer.api.today()
    scheduled = payer.pay(date=after(today, 1))
    workers = {doomed(name): list(points) for name, points in JOBS.items()}
    for worker, points in workers.items():
        worker.stop()
        if worker.name == "auth-worker":
            with books.cluster.engine("auth").begin() as tx:
                assert tx.exec_driver_sql(A_DAY_AGO).rowcount
        worker.arm(points[0])
    lease = payer.staff.board(contract(SAMPLE_LEASE, **OLD_LEASE))["id"]
    goal = walk(payer.api, workers, today)
    eventually(lambda: payer.api.today() == goal, goal)

    payer.customer = payer.api.log_in(payer.email)
    posted = payer.customer.until(scheduled["id"], "posted")
    assert posted["effective_date"] == after(today, 1)
    path = f"/v1/payments/{scheduled['id']}"
    walk_until(payer.api, goal, lambda: payer.customer.get(path)["settlement"] == "cleared")
    assert books.rows("payments", BANK, id=scheduled["id"]) == [(posted["amount"], "settled")]
    assert books.one("lease", NOTICES, id=lease) == 1
    eventually(lambda: books.rows("auth", FORGOTTEN) == [(20, 20)], "the last day's forgetting")


def walk(api, workers, today):
    """Let days pass until every worker has fallen in each of its jobs and runs again; the day the
    last of them led to."""
    goals = [today]

    def all_have_fallen():
        for worker, points in workers.items():
            if points and worker.hits():
                worker.until_fallen()
                points.pop(0)
                worker.arm(points[0]) if points else worker.revive()
        if api.today() == goals[-1] and any(workers.values()):
            assert len(goals) < DAYS_MAX, workers
            goals.append(after(goals[-1], 1))
            api.send("PUT", CLOCK, {"business_date": goals[-1]}, idempotent=False)
        return not any(workers.values())

    eventually(all_have_fallen, "every job to be killed", within_s=WALK_S_MAX)
    return goals[-1]


def walk_until(api, today, is_over):
    """Let further days pass until *is_over*: the last job was killed at what was paid before."""
    goals = [today]

    def look():
        if is_over():
            return True
        if api.today() == goals[-1]:
            assert len(goals) < DAYS_MAX
            goals.append(after(goals[-1], 1))
            api.send("PUT", CLOCK, {"business_date": goals[-1]}, idempotent=False)
        return False

    eventually(look, "the last job's work")
