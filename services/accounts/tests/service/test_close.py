from __future__ import annotations

from datetime import date, timedelta

import pytest
from carport.accounts.commands import day as saga
from carport.accounts.repo import contracts
from carport.shared import jobs, worker
from carport.shared.errors import NotYet
from carport.shared.kernel.ids import new_id


def closes(suite):
    return suite.staff("GET", "/v1/staff/day-closes?limit=100").json["data"]


def test_a_move_closes_every_day_on_the_way(suite):
    suite.board()
    suite.move("2025-01-14", local_time="21:30")
    assert [row["date"] for row in closes(suite)] == [
        "2025-01-13", "2025-01-12", "2025-01-11", "2025-01-10"
    ]  # fmt: skip
    assert {row["step"] for row in closes(suite)} == {"done"}
    times = [event["local_time"] for event in suite.published("day_opened")]
    assert times == ["12:00", "12:00", "12:00", "12:00", "21:30"]
    assert [event["next_local_time"] for event in suite.published("day_ending")] == times[1:]


def test_a_day_waits_for_payments_and_lease(suite):
    suite.board()
    suite.is_answering = False
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-12"})
    suite.settle()
    assert suite.today == date(2025, 1, 10)
    suite.is_answering = True
    suite.answer(suite.today)
    suite.settle()
    assert suite.today == date(2025, 1, 12)


def test_a_day_waits_until_every_announced_event_is_done(suite):
    account = suite.board()
    suite.announced["payments.payment_accepted.v1", suite.today] += 1
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-11"})
    suite.settle()
    (held,) = closes(suite)
    assert (held["step"], held["waiting_for"]) == ("ending", [
        {"source": "payments", "type": "payments.payment_accepted.v1", "announced": 1, "done": 0}
    ])  # fmt: skip
    suite.announced.clear()
    suite.pay(account, 1000)
    suite.settle()
    assert suite.today == date(2025, 1, 11)
    (posted,) = suite.published("payment_posted")
    assert posted["booked_on"] == "2025-01-10"


def test_staff_override_a_held_day_with_a_reason(suite):
    suite.board()
    suite.announced["payments.payment_accepted.v1", suite.today] += 1
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-11"})
    suite.settle()
    path = "/v1/staff/day-closes/2025-01-10/override"
    reason = {"reason": "the event was lost with the disk"}
    assert suite.staff("POST", path, reason).status_code == 403
    assert suite.staff("POST", path, reason, scope="supervisor").status_code == 200
    suite.settle()
    assert suite.today == date(2025, 1, 11)
    assert closes(suite)[0]["override"]["reason"] == reason["reason"]
    again = suite.staff("POST", path, reason, scope="supervisor")
    assert (again.status_code, again.json["code"]) == (409, "not_held")


def test_a_posted_payment_wakes_the_close_of_a_day_that_is_ending_and_nothing_otherwise(suite):
    account, woken = suite.board(), suite.runtime.wake.loops["jobs"]
    suite.settle()
    woken.clear()
    suite.pay(account, 1000)
    assert not woken.is_set()
    suite.is_answering = False
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-11"})
    suite.settle()
    woken.clear()
    suite.pay(account, 1000)
    assert woken.is_set()


def test_an_override_does_not_replace_a_service_that_has_not_finished(suite):
    suite.is_answering = False
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-11"})
    suite.settle()
    path = "/v1/staff/day-closes/2025-01-10/override"
    answer = suite.staff("POST", path, {"reason": "we are in a hurry"}, scope="operator")
    assert (answer.status_code, answer.json["code"]) == (409, "day_not_done")


def test_a_close_stopped_between_chunks_goes_on_and_closes_each_contract_once(
    make, monkeypatch, retail
):
    suite = make("2025-01-30")
    people = retail["customers"][0]
    for number in range(5):
        person = {**people, "birth_date": f"1980-01-0{number + 1}"}
        suite.board(account_number=f"22004177{number}0", customers=[person])
    suite.move("2025-01-31")
    monkeypatch.setattr(saga, "CHUNK", 2)
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-02-01"})
    token = new_id(suite.now)
    for step in (suite.runtime, suite.runtime):
        jobs.run_once(step, token)
        worker.outbox.relay_once(suite.runtime, suite.bus, token)
    with suite.runtime.reading() as tx:
        assert contracts.has_unclosed(tx, date(2025, 1, 31))
    suite.settle()
    accruals = [row for row in references(suite) if row.startswith("accrual:")]
    assert len(accruals) == len(set(accruals)) == 5
    assert suite.today == date(2025, 2, 1)
    assert suite.verify() == []


def test_contracts_without_work_are_closed_a_part_at_a_time(suite, monkeypatch, retail):
    people = retail["customers"][0]
    for number in range(5):
        person = {**people, "birth_date": f"1980-01-0{number + 1}"}
        suite.board(account_number=f"22004177{number}0", customers=[person])
    monkeypatch.setattr(saga, "IDLE_MAX", 2)
    chunks, real = [], saga.close_contracts
    monkeypatch.setattr(saga, "close_contracts", lambda tx, found, *more: (
        chunks.append(len(found)), real(tx, found, *more))[1])  # fmt: skip
    today = suite.today
    suite.move(str(today + timedelta(days=1)))
    with suite.runtime.reading() as tx:
        assert not contracts.has_unclosed(tx, today)
    assert chunks == [0, 0, 0]


def references(suite):
    with suite.runtime.reading() as tx:
        return list(tx.exec_driver_sql("SELECT reference FROM journal").scalars())


def test_a_failing_chunk_is_rolled_back_as_a_whole_and_tried_again(suite, monkeypatch):
    suite.board()
    suite.move("2025-01-30")
    real = saga.close_contracts

    def breaks(tx, found, day, now):
        real(tx, found, day, now)
        raise RuntimeError("killed")

    monkeypatch.setattr(saga, "close_contracts", breaks)
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-02-01"})
    with pytest.raises(RuntimeError, match="killed"):
        suite.settle()
    monkeypatch.setattr(saga, "close_contracts", real)
    before = references(suite)
    suite.settle()
    assert suite.today == date(2025, 2, 1)
    assert len(references(suite)) == len(before) + 1
    assert suite.verify() == []


def test_income_is_booked_at_the_month_end_and_a_replay_corrects_it_in_the_next(make):
    suite = make("2025-01-30")
    account = suite.board()
    suite.move("2025-02-01")
    earned = 22 * 3000000 * 649 / 365 / 10000
    assert income(suite) == round(earned)
    suite.pay(account, 1000000, effective_on="2025-01-15")
    assert income(suite) == round(earned)
    suite.move("2025-03-01")
    before, after = 5 * 3000000, 45 * (3000000 - 1000000 + round(5 * 3000000 * 649 / 3650000))
    assert income(suite) == pytest.approx((before + after) * 649 / 3650000, abs=1)
    assert suite.verify() == []


def income(suite):
    rows = suite.staff("GET", "/v1/staff/trial-balance").json["data"]
    return next(row["balance"] for row in rows if row["account"] == "interest_income")


def test_each_instalment_is_announced_ten_and_three_days_ahead_and_on_its_day(make):
    suite = make("2025-02-12")
    account = suite.board()
    suite.move("2025-02-25")
    due = suite.published("payment_due")
    assert [(event["number"], event["days_ahead"]) for event in due] == [(1, 10), (1, 3), (1, 0)]
    assert {event["account_id"] for event in due} == {account}


def test_a_paid_instalment_is_not_announced(make):
    suite = make("2025-02-12")
    account = suite.board()
    suite.pay(account, 58684)
    suite.move("2025-02-25")
    assert suite.published("payment_due") == []


def test_nothing_is_published_of_an_account_on_which_only_time_passes(make):
    suite = make("2025-02-25")
    suite.board()
    before = len(suite.published("account_changed"))
    suite.move("2025-03-03")
    assert len(suite.published("account_changed")) == before


def test_an_anchor_names_every_contract_and_holds_at_each_close(make, lease):
    suite = make("2025-02-03")
    suite.board()
    suite.board(lease)
    suite.move("2025-02-06")
    assert [event["contracts"] for event in suite.published("ledger_anchored")] == [2, 2, 2]
    assert suite.verify() == []


def test_rentals_are_billed_when_their_due_date_opens(make, lease):
    suite = make("2025-02-03")
    account = suite.board(lease)
    suite.move("2025-02-04")
    assert (suite.account(account)["past_due"], suite.account(account)["fees"]) == (50772, 2500)
    suite.move("2025-02-05")
    newest = suite.transactions(account)[0]
    assert (newest["type"], newest["effective_on"], newest["booked_on"]) == (
        "rental", "2025-02-05", "2025-02-05"
    )  # fmt: skip
    assert newest["balance_after"] == suite.account(account)["balance"] == 2 * 50772 + 2500


def test_in_production_midnight_at_the_lender_ends_the_day(tmp_path):
    from dataclasses import replace
    from datetime import UTC, datetime

    from carport.accounts.service import SERVICE
    from carport.shared import migrate, testing
    from carport.shared.db import Runtime, make_engine

    clock = [datetime(2025, 3, 2, 4, 30, tzinfo=UTC)]
    settings = replace(testing.settings("accounts", tmp_path), env="production")
    runtime = Runtime(SERVICE, settings, make_engine(settings.database_url), lambda: clock[0])
    migrate.upgrade(runtime.engine, SERVICE)
    jobs.run_once(runtime, "a")
    assert steps(runtime) == (date(2025, 3, 1), None)
    clock[0] = datetime(2025, 3, 2, 6, 30, tzinfo=UTC)
    jobs.run_once(runtime, "a")
    assert steps(runtime) == (date(2025, 3, 1), "ending")
    runtime.engine.dispose()


def test_a_clock_that_is_set_back_over_midnight_does_not_use_up_the_step(tmp_path, monkeypatch):
    from dataclasses import replace
    from datetime import UTC, datetime

    from carport.accounts.service import SERVICE
    from carport.shared import migrate, testing
    from carport.shared.db import Runtime, make_engine

    before, after = (datetime(2025, 3, 2, hour, tzinfo=UTC) for hour in (4, 7))
    clock = [before]
    settings = replace(testing.settings("accounts", tmp_path), env="production")
    runtime = Runtime(SERVICE, settings, make_engine(settings.database_url), lambda: clock[0])
    migrate.upgrade(runtime.engine, SERVICE)
    jobs.run_once(runtime, "a")
    listed = saga.next_step
    with monkeypatch.context() as late:
        late.setattr(saga, "next_step", lambda tx, now: listed(tx, after))
        with pytest.raises(NotYet):
            jobs.run_once(runtime, "a")
    clock[0] = after
    jobs.run_once(runtime, "a")
    assert steps(runtime) == (date(2025, 3, 1), "ending")
    runtime.engine.dispose()


def steps(runtime):
    from carport.accounts.repo import days
    from carport.shared import business_day

    with runtime.reading() as tx:
        today = business_day.get(tx).date
        saga_row = days.find(tx, today)
    return today, saga_row and saga_row["step"]
