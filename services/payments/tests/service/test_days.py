"""The end of a day: everything of it is out before it is announced, and nothing after."""

from __future__ import annotations

from collections import Counter
from datetime import date

from carport.payments.commands import days

TUESDAY = date(2025, 5, 6)


def done(suite):
    return [e["data"] for e in suite.published("day_done")]


def of_day(suite, day):
    types = ("accepted", "cancelled", "returned")
    names = [f"payments.payment_{name}.v1" for name in types]
    found = Counter(e["type"] for e in suite.published() if e.get("businessdate") == day)
    return {name: found[name] for name in names}


def test_a_day_is_announced_with_the_number_of_its_events_and_its_totals(suite):
    method = suite.bank_account()
    kept, returned, dropped = (suite.pay(method, amount=n) for n in (100, 20, 3))
    suite.pay(method, amount=4_000, date="2025-05-06")
    suite.cancel(dropped)
    suite.cancel(suite.pay(method, amount=50_000, date="2025-05-09"))
    suite.post(kept)
    suite.post(returned)
    suite.call("POST", "/v1/sandbox/bank/returns", {"payment_id": returned["id"], "code": "R01"})
    suite.end_day(suite.MONDAY)
    [monday] = done(suite)
    assert monday["date"] == "2025-05-05"
    assert monday["events"] == of_day(suite, "2025-05-05")
    assert monday["events"]["payments.payment_accepted.v1"] == 3
    assert monday["events"]["payments.payment_cancelled.v1"] == 2
    assert monday["totals"] == {"accepted": 123, "cancelled": 3, "returned": 20}
    suite.end_day(TUESDAY)
    tuesday = done(suite)[1]
    assert tuesday["events"] == of_day(suite, "2025-05-06")
    assert tuesday["totals"] == {"accepted": 4_000, "cancelled": 0, "returned": 0}


def test_an_order_after_the_announcement_belongs_to_the_next_day(suite):
    method = suite.bank_account()
    suite.end_day(suite.MONDAY)
    payment = suite.pay(method)
    assert payment["effective_date"] == "2025-05-06"
    assert suite.published("payment_accepted")[0]["businessdate"] == "2025-05-06"
    assert done(suite)[0]["totals"]["accepted"] == 0


def test_what_is_due_is_begun_before_its_day_is_announced_even_if_no_job_ran(suite):
    suite.pay(suite.bank_account(), date="2025-05-06")
    suite.stand_on(TUESDAY)
    suite.tell("accounts.day_ending.v1", {"date": "2025-05-06", "next_local_time": "12:00"})
    assert done(suite)[0]["events"]["payments.payment_accepted.v1"] == 1


def test_the_message_twice_announces_the_day_once(suite):
    for _ in range(2):
        assert suite.end_day(suite.MONDAY) == "done"
    assert len(done(suite)) == 1


def test_a_day_that_has_not_come_waits(suite):
    assert suite.end_day(TUESDAY) == "waiting"
    assert done(suite) == []
    suite.end_day(suite.MONDAY)
    suite.drain()
    assert [d["date"] for d in done(suite)] == ["2025-05-05", "2025-05-06"]


def test_the_next_day_stands_at_the_local_time_that_was_told(suite):
    suite.end_day(suite.MONDAY, "20:30")
    assert suite.pay(suite.bank_account())["effective_date"] == "2025-05-07"


def test_a_day_that_was_opened_elsewhere_does_not_move_us_back(suite):
    suite.end_day(suite.MONDAY)
    suite.tell("accounts.day_opened.v1", {"date": "2025-05-05", "local_time": "12:00"})
    assert suite.pay(suite.bank_account())["effective_date"] == "2025-05-06"


def test_too_much_left_for_the_end_of_a_day_waits_for_the_jobs(suite, monkeypatch):
    monkeypatch.setattr(days, "LAST_WORK_MAX", 2)
    method = suite.bank_account()
    for _ in range(3):
        suite.pay(method, amount=100, date="2025-05-06")
    suite.stand_on(TUESDAY)
    ending = {"date": "2025-05-06", "next_local_time": "12:00"}
    assert suite.tell("accounts.day_ending.v1", ending) == "waiting"
    suite.drain()
    assert done(suite)[0]["totals"]["accepted"] == 300


def test_jobs_begin_many_payments_in_pieces(suite, monkeypatch):
    monkeypatch.setattr("carport.payments.jobs.BATCH", 2)
    method = suite.bank_account()
    for _ in range(7):
        suite.pay(method, amount=100, date="2025-05-06")
    suite.stand_on(TUESDAY)
    suite.drain()
    assert len(suite.published("payment_accepted")) == 7
    assert len(suite.rows("SELECT 1 FROM job_run WHERE job = 'begin_scheduled'")) == 4


def test_anchors_of_the_ledger_are_kept_and_never_replaced(suite):
    for digest in ("a" * 64, "b" * 64):
        told = {"date": "2025-05-05", "contracts": 3, "sha256": digest}
        suite.tell("accounts.ledger_anchored.v1", told)
    [anchor] = suite.rows("SELECT * FROM ledger_anchor")
    assert (anchor["contracts"], anchor["sha256"]) == (3, "a" * 64)


def test_before_the_first_day_orders_are_unavailable_and_days_wait(suite):
    with suite.runtime.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM business_day")
    answer = suite.order(suite.bank_account())
    assert (answer.status_code, answer.json["money_moved"]) == (503, "no")
    assert suite.end_day(suite.MONDAY) == "waiting"
