"""Several workers and replicas at once: each piece of work is taken by one, and the last word is
the latest, however the transactions meet."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from carport.auth.repo import links, people
from carport.auth.tables import password_reset, user
from carport.notifications import effects as mail
from carport.notifications.tables import deliveries
from carport.payments.repo import calls
from carport.payments.repo import payments as payment_rows
from carport.shared import business_day, events, jobs
from carport.shared.db import Runtime, make_engine
from carport.shared.service import Job, Service
from support.postgresql import conftest_of

NOW = datetime(2025, 5, 5, 16, tzinfo=UTC)
MONDAY = date(2025, 5, 5)
NOON = time(12)


@pytest.fixture
def make(settings_of):
    """The runtime of a service on a database of its own."""
    made = []

    def runtime(name, service=None):
        settings = settings_of(name)
        owner = service or conftest_of(name).SERVICE
        made.append(Runtime(owner, settings, make_engine(settings.database_url), lambda: NOW))
        return made[-1]

    yield runtime
    for one in made:
        one.engine.dispose()


def at_once(*works):
    """What each of *works* answers; all begin together."""
    together = threading.Barrier(len(works))

    def begin(work):
        together.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result() for done in [pool.submit(begin, work) for work in works]]


def meet(monkeypatch, module, name):
    """Two callers of this function go on together; one who comes alone waits a moment for it."""
    function, together = getattr(module, name), threading.Barrier(2)

    def met(*values, **more):
        with suppress(threading.BrokenBarrierError):
            together.wait(1)
        return function(*values, **more)

    monkeypatch.setattr(module, name, met)


def payments_on(runtime):
    """The service as its own tests see it."""
    tests = conftest_of("payments")
    return tests.Payments(replace(runtime, clock=tests.Clock()))


# -- claims ----------------------------------------------------------------------------------------


def claimed_by_three(runtime, claim):
    """The ids three workers get: two while both transactions are open, one after they committed."""
    with runtime.transaction() as one, runtime.transaction() as other:
        both = [claim(one), claim(other)]
    with runtime.transaction() as late:
        return [*both, claim(late)]


def test_a_mail_is_claimed_by_one_worker(make):
    runtime = make("notifications")
    rows = [
        {"id": f"d{n:03}", "key": f"k{n}", "addressee": "a", "channel": "email", "kind": "k",
         "event_type": "x", "content": "sealed", "state": "queued", "due_at": NOW,
         "created_at": NOW}
        for n in range(mail.BATCH + 10)
    ]  # fmt: skip
    with runtime.transaction() as tx:
        tx.execute(deliveries.insert(), rows)
    first, second, third = claimed_by_three(
        runtime, lambda tx: {claimed.delivery_id for claimed in mail.claim(tx, NOW)}
    )
    assert (len(first), len(second), third) == (mail.BATCH, 10, set())
    assert first | second == {row["id"] for row in rows}


def test_a_call_to_the_processor_is_claimed_by_one_worker(make):
    runtime = make("payments")
    suite = payments_on(runtime)
    suite.tell("accounts.day_opened.v1", {"date": "2025-05-05", "local_time": "12:00"})
    suite.board()
    suite.snapshot()
    card = suite.card()
    for _ in range(calls.BATCH + 5):
        suite.pay(card, amount=100)
    later = suite.clock() + timedelta(seconds=1)
    tokens = iter("abc")
    first, second, third = claimed_by_three(
        suite.runtime, lambda tx: {call.key for call in calls.claim(tx, next(tokens), later)}
    )
    assert (len(first), len(second), third) == (calls.BATCH, 5, set())
    assert not first & second


def test_a_piece_of_a_job_is_done_once_though_a_paused_runner_wakes_up(make):
    done = []

    def run(tx, key, now):
        done.append(key)
        tx.exec_driver_sql("SELECT pg_sleep(0.2)")

    job = Job(lambda tx, now: [(MONDAY, "one")], run)
    runtime = make("lease", Service("lease", sa.MetaData(), "none", jobs={"work": job}))
    listed = [jobs._due(runtime, token) for token in ("awake", "paused")]
    ran = at_once(*(lambda due=due: jobs._run(runtime, "paused", *due[0]) for due in listed))
    assert (sorted(ran), done) == ([False, True], ["one"])


# -- the day ---------------------------------------------------------------------------------------


def stands_on(runtime):
    with runtime.reading() as tx:
        return business_day.get(tx).date


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("name", ["auth", "notifications"])
def test_a_late_announcement_of_a_day_never_turns_it_back(make, name, is_first):
    runtime = make(name)
    if not is_first:
        with runtime.transaction() as tx:
            business_day.open_day(tx, MONDAY)
    with ThreadPoolExecutor(1) as pool:
        with runtime.transaction() as tx:
            business_day.follow(tx, MONDAY + timedelta(days=2), NOON)
            late = pool.submit(announce, runtime, MONDAY + timedelta(days=1))
            wait_for_lock(runtime)
        late.result()
    assert stands_on(runtime) == MONDAY + timedelta(days=2)


@pytest.mark.parametrize("name", ["payments", "lease"])
def test_only_the_first_announcement_of_a_day_is_listened_to(make, name):
    runtime = make(name)
    with ThreadPoolExecutor(1) as pool:
        with runtime.transaction() as tx:
            business_day.open_first(tx, MONDAY, NOON)
            late = pool.submit(announce, runtime, MONDAY + timedelta(days=1))
            wait_for_lock(runtime)
        late.result()
    assert stands_on(runtime) == MONDAY


def announce(runtime, day):
    """Handle ``accounts.day_opened.v1``."""
    told = {"date": day.isoformat(), "local_time": "12:00"}
    handler = runtime.service.handlers["accounts.day_opened.v1"]
    event = events.make("accounts.day_opened.v1", subject="day", data=told, now=NOW)
    with runtime.transaction() as tx:
        handler(tx, event, NOW)


def wait_for_lock(runtime):
    """Until somebody waits for a lock in the database of *runtime*."""
    query = "SELECT 1 FROM pg_locks WHERE NOT granted"
    for _ in range(200):
        with runtime.reading() as tx:
            if tx.exec_driver_sql(query).first():
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits")


# -- first come, both served -----------------------------------------------------------------------


def test_a_receipt_that_is_posted_and_reversed_at_once_is_kept_with_both(make, monkeypatch):
    runtime = make("payments")
    suite = payments_on(runtime)
    payment = {"id": "0197a3c2-9999-7abc-8def-0123456789ab", "account_id": suite.ACCOUNT,
               "amount": 700, "effective_date": "2025-05-05"}  # fmt: skip
    taken_back = {
        "payment_id": payment["id"], "account_id": suite.ACCOUNT, "amount": 700,
        "cause": "returned", "code": "R01", "effective_on": "2025-05-05",
        "booked_on": "2025-05-05", "balance_after": 0,
    }  # fmt: skip
    meet(monkeypatch, payment_rows, "put_receipt")
    at_once(
        lambda: suite.post(payment),
        lambda: suite.tell("accounts.payment_reversed.v1", taken_back),
    )
    assert suite.rows("SELECT DISTINCT state, attempts FROM inbox") == [
        {"state": "done", "attempts": 0}
    ]
    [kept] = suite.rows("SELECT posted_at, reversed_cause FROM receipt")
    assert kept["posted_at"] is not None and kept["reversed_cause"] == "returned"


@pytest.fixture
def auth(make, tmp_path):
    """Auth with Ana Rivera's contract boarded."""
    made = make("auth")
    tests = conftest_of("auth")
    suite = tests.build(tmp_path, tests.TestClock())
    suite.board()
    yield suite
    suite.runtime.engine.dispose()
    made.engine.dispose()


def test_two_requests_for_a_new_password_at_once_leave_one_link(auth, monkeypatch):
    auth.register()
    body = {"email": "ana.rivera@example.com"}
    meet(monkeypatch, links, "replace_reset")
    asked = [lambda: auth.post("/v1/auth/password-resets", body)] * 2
    assert {answer.status_code for answer in at_once(*asked)} == {202}
    with auth.runtime.reading() as tx:
        assert len(tx.execute(sa.select(password_reset)).all()) == 1


def test_two_links_of_one_person_used_at_once_make_one_user(auth, monkeypatch):
    tokens = []
    for email in ("ana.rivera@example.com", "ana@example.com"):
        answer = auth.post("/v1/auth/registrations", auth.application(email=email))
        assert answer.status_code == 202
        tokens.append(auth.mail("auth.registration_requested.v1")["token"])
    meet(monkeypatch, people, "lock_party")
    answers = at_once(
        *(lambda token=token: auth.post("/v1/auth/email-verifications", {"token": token})
          for token in tokens)
    )  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [204, 400]
    with auth.runtime.reading() as tx:
        assert len(tx.execute(sa.select(user)).all()) == 1
