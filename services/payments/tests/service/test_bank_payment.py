"""Bank payments: from the order to the receipt, and what neighbours hear of it."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from carport.payments.queries import verify


def test_a_bank_payment_is_accepted_at_once_and_posted_when_accounts_says_so(suite):
    payment = suite.pay(suite.bank_account())
    assert (payment["state"], payment["money_moved"]) == ("accepted", "yes")
    assert payment["effective_date"] == "2025-05-05"
    assert payment["allocation"] is None

    [event] = suite.published("payment_accepted")
    assert event["businessdate"] == "2025-05-05"
    assert event["subject"] == suite.ACCOUNT
    told = event["data"]
    assert (told["payment_id"], told["account_id"]) == (payment["id"], suite.ACCOUNT)
    assert (told["user_id"], told["amount"]) == (suite.USER, 58_684)
    assert told["method"] == {"type": "bank_account", "brand": "Checking", "last4": "4321"}

    suite.post(payment)
    posted = suite.read(payment)
    assert posted["state"] == "posted"
    assert posted["allocation"]["principal"] == 58_684
    assert posted["balance_after"] == suite.PAYOFF - 58_684
    assert [step["state"] for step in posted["history"]] == ["accepted", "posted"]


def test_after_the_cut_off_it_is_scheduled_for_the_next_calendar_date(suite):
    suite.stand_on(suite.MONDAY, "20:00")
    payment = suite.pay(suite.bank_account())
    assert (payment["state"], payment["money_moved"]) == ("scheduled", "no")
    assert payment["effective_date"] == "2025-05-06"
    assert payment["cancel_before"] == "2025-05-07T00:00:00Z"
    assert suite.published("payment_accepted") == []
    assert suite.published("payment_scheduled")[0]["data"]["payment_id"] == payment["id"]


def test_a_weekend_day_counts_and_its_entry_leaves_on_monday(suite):
    suite.stand_on(date(2025, 5, 3))
    payment = suite.pay(suite.bank_account())
    assert (payment["state"], payment["effective_date"]) == ("accepted", "2025-05-03")
    assert payment["cancel_before"] == "2025-05-06T00:00:00Z"


def test_a_scheduled_payment_is_accepted_when_its_calendar_date_opens(suite):
    payment = suite.pay(suite.bank_account(), date="2025-05-10")  # a Saturday
    for day in range(5, 10):
        assert suite.read(payment)["state"] == "scheduled"
        suite.end_day(date(2025, 5, day))
    found = suite.read(payment)
    assert found["state"] == "accepted"
    [event] = suite.published("payment_accepted")
    assert event["businessdate"] == event["data"]["effective_on"] == "2025-05-10"


def test_a_scheduled_payment_is_decided_again_on_its_day(suite):
    method = suite.bank_account()
    payment = suite.pay(method, amount=suite.PAYOFF, date="2025-05-06")
    suite.snapshot(version=2, payoff=100_000, principal=100_000, accrued_exact="0/1")
    suite.end_day(suite.MONDAY)
    found = suite.read(payment)
    assert (found["state"], found["money_moved"]) == ("failed", "no")
    assert found["reason"]["code"] == "exceeds_payoff"
    assert len(suite.published("payment_failed")) == 1
    assert suite.published("payment_accepted") == []


def test_scheduled_payments_of_an_account_that_closes_fail_at_once_with_one_notice_each(suite):
    payment = suite.pay(suite.bank_account(), date="2025-05-24")
    suite.snapshot(version=2, status="paid_off", payoff=0, principal=0)
    found = suite.read(payment)
    assert (found["state"], found["reason"]["code"]) == ("failed", "account_not_payable")
    suite.snapshot(version=3, status="paid_off", payoff=0, principal=0)
    assert len(suite.published("payment_failed")) == 1


def test_a_refused_payment_fails_with_the_ledgers_reason_and_one_notice(suite):
    payment = suite.pay(suite.bank_account())
    reason = {"code": "account_closed", "text": "The account is closed."}
    told = {"payment_id": payment["id"], "account_id": suite.ACCOUNT, "amount": 58_684}
    for _ in range(2):
        suite.tell("accounts.payment_rejected.v1", {**told, "reason": reason})
    found = suite.read(payment)
    assert (found["state"], found["reason"], found["money_moved"]) == ("failed", reason, "no")
    assert len(suite.published("payment_failed")) == 1


def test_fifty_orders_of_the_payoff_lead_to_one_payment(suite):
    method = suite.bank_account()
    answers = [suite.order(method, amount=suite.PAYOFF).status_code for _ in range(50)]
    assert sorted(answers) == [202] + [422] * 49


def test_an_older_snapshot_changes_nothing(suite):
    suite.snapshot(version=5, payoff=1_000)
    suite.snapshot(version=4, payoff=suite.PAYOFF)
    assert suite.order(suite.bank_account(), amount=1_001).json["code"] == "exceeds_payoff"


def test_a_receipt_that_comes_twice_is_one(suite):
    payment = suite.pay(suite.bank_account())
    suite.post(payment)
    suite.post(payment)
    assert len(suite.read(payment)["history"]) == 2


def test_a_receipt_after_the_cancellation_is_kept_and_changes_no_state(suite):
    payment = suite.pay(suite.bank_account())
    assert suite.cancel(payment).status_code == 200
    reversal = {
        "payment_id": payment["id"], "account_id": suite.ACCOUNT, "amount": 58_684,
        "cause": "cancelled", "code": None, "effective_on": "2025-05-05",
        "booked_on": "2025-05-06", "balance_after": suite.PAYOFF,
    }  # fmt: skip
    suite.tell("accounts.payment_reversed.v1", reversal)
    suite.post(payment)
    assert suite.read(payment)["state"] == "cancelled"
    [receipt] = suite.rows("SELECT * FROM receipt")
    assert (receipt["amount"], receipt["reversed_cause"]) == (58_684, "cancelled")
    assert str(receipt["reversed_on"]) == "2025-05-06"


@pytest.mark.parametrize("is_posted", [False, True])
def test_before_the_cut_off_a_payment_can_be_cancelled_also_when_posted(suite, is_posted):
    payment = suite.pay(suite.bank_account())
    if is_posted:
        suite.post(payment)
    answer = suite.cancel(payment)
    assert (answer.status_code, answer.json["state"]) == (200, "cancelled")
    assert answer.json["money_moved"] == "no"
    assert suite.cancel(payment).data == answer.data
    [event] = suite.published("payment_cancelled")
    assert (event["data"]["was_accepted"], event["businessdate"]) == (True, "2025-05-05")


def test_a_scheduled_payment_can_be_cancelled_and_was_never_accepted(suite):
    payment = suite.pay(suite.bank_account(), date="2025-05-20")
    assert suite.cancel(payment).json["state"] == "cancelled"
    [event] = suite.published("payment_cancelled")
    assert event["data"]["was_accepted"] is False
    suite.stand_on(date(2025, 5, 20))
    suite.drain()
    assert suite.read(payment)["state"] == "cancelled"


@pytest.mark.parametrize(("day", "local_time"), [("2025-05-05", "20:00"), ("2025-05-06", "00:00")])
def test_from_the_cut_off_on_it_is_too_late(suite, day, local_time):
    payment = suite.pay(suite.bank_account())
    suite.stand_on(date.fromisoformat(day), local_time)
    answer = suite.cancel(payment)
    assert (answer.status_code, answer.json["code"]) == (409, "too_late_to_cancel")
    assert answer.json["money_moved"] == "yes"
    found = suite.read(payment)
    assert (found["cancellable"], found["cancel_before"]) == (False, None)


def test_a_co_borrower_sees_the_payment_and_cannot_cancel_it(suite):
    payment = suite.pay(suite.bank_account())
    other = suite.head("0197a3c2-0099-7abc-8def-0123456789ab", accounts=[suite.ACCOUNT])
    seen = suite.call("GET", f"/v1/payments/{payment['id']}", **other)
    assert (seen.status_code, seen.json["cancellable"]) == (200, False)
    assert suite.cancel(payment, **other).status_code == 403


def test_a_refusal_after_the_cancellation_only_leaves_its_reason(suite):
    payment = suite.pay(suite.bank_account())
    suite.cancel(payment)
    reason = {"code": "account_closed", "text": "The account is closed."}
    told = {"payment_id": payment["id"], "account_id": suite.ACCOUNT, "amount": 58_684}
    suite.tell("accounts.payment_rejected.v1", {**told, "reason": reason})
    assert suite.read(payment)["state"] == "cancelled"
    assert suite.published("payment_failed") == []
    with suite.runtime.reading() as tx:
        assert list(verify.posted_list(tx)) == []
        found = [f for check in verify.CHECKS for f in check.findings(tx, suite.clock())]
        assert found == []


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2025-05-05T23:59:00Z", "accepted"),  # 19:59 in New York
        ("2025-05-06T00:00:00Z", "scheduled"),  # 20:00
        ("2025-05-06T05:00:00Z", "scheduled"),  # 01:00 of a day that is not open yet
    ],
)
def test_in_production_the_cut_off_is_told_by_the_clock_in_the_lenders_zone(suite, now, state):
    method = suite.bank_account()
    object.__setattr__(suite.runtime.settings, "env", "production")
    suite.clock.now = datetime.fromisoformat(now)
    payment = suite.pay(method)
    assert payment["state"] == state
    assert payment["effective_date"] == f"2025-05-0{5 if state == 'accepted' else 6}"
