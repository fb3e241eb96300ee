"""Card payments: asked outside any transaction, charged once whatever happens on the way."""

from __future__ import annotations

from datetime import date

import pytest
from carport.payments import effects
from carport.payments.providers.processor import Captured, Declined, NoAnswer, Voided
from carport.shared import effects as runner

REASON = {"code": "account_closed", "text": "The account is closed."}


def charges(suite):
    return [(c["state"], c["amount"]) for c in suite.rows("SELECT * FROM sandbox_charge")]


def reject(suite, payment):
    told = {"payment_id": payment["id"], "account_id": suite.ACCOUNT, "amount": payment["amount"]}
    suite.tell("accounts.payment_rejected.v1", {**told, "reason": REASON})


def test_an_order_by_card_is_answered_before_anybody_is_asked(suite):
    payment = suite.pay(suite.card())
    assert payment["state"] == "processing"
    assert charges(suite) == []
    assert suite.published("payment_accepted") == []


def test_a_captured_card_is_accepted_with_the_effective_date_of_the_order(suite):
    payment = suite.pay(suite.card())
    suite.stand_on(date(2025, 5, 7))
    suite.drain()
    found = suite.read(payment)
    assert (found["state"], found["settlement"]) == ("accepted", "submitted")
    assert charges(suite) == [("captured", 58_684)]
    [event] = suite.published("payment_accepted")
    assert event["data"]["effective_on"] == "2025-05-05"
    assert event["businessdate"] == "2025-05-07"


@pytest.mark.parametrize(
    ("token", "code"),
    [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")],
)
def test_a_declined_card_fails_with_a_reason_and_one_notice(suite, token, code):
    payment = suite.pay(suite.card(token))
    suite.drain()
    found = suite.read(payment)
    assert (found["state"], found["money_moved"]) == ("failed", "no")
    assert found["reason"]["code"] == code
    [event] = suite.published("payment_failed")
    assert event["data"]["reason"] == found["reason"]


def test_no_answer_is_unknown_until_the_status_is_found_with_the_same_key(suite):
    payment = suite.pay(suite.card("tok_timeout"))
    suite.drain()
    waiting = suite.read(payment)
    assert (waiting["state"], waiting["money_moved"]) == ("unknown", "unknown")
    assert suite.published("payment_failed") == []
    suite.clock.tick(seconds=3)
    suite.drain()
    found = suite.read(payment)
    assert [s["state"] for s in found["history"]] == ["processing", "unknown", "accepted"]
    assert charges(suite) == [("captured", 58_684)]
    assert len(suite.published("payment_accepted")) == 1


def test_a_crash_between_the_answer_and_its_record_leads_to_one_charge(suite, monkeypatch):
    payment = suite.pay(suite.card())
    monkeypatch.setenv("CARPORT_FAILPOINT", "effect.processor.after_call:raise")
    suite.drain()
    assert suite.read(payment)["state"] == "processing"
    assert charges(suite) == [("captured", 58_684)]
    monkeypatch.delenv("CARPORT_FAILPOINT")
    suite.drain()
    assert suite.read(payment)["state"] == "processing"  # the claim has not run out
    suite.clock.tick(seconds=61)
    suite.drain()
    assert suite.read(payment)["state"] == "accepted"
    assert charges(suite) == [("captured", 58_684)]


def test_a_crash_before_the_call_leads_to_one_charge(suite, monkeypatch):
    payment = suite.pay(suite.card())
    monkeypatch.setenv("CARPORT_FAILPOINT", "effect.processor.before_call:raise")
    with pytest.raises(Exception, match="before_call"):
        suite.drain()
    monkeypatch.delenv("CARPORT_FAILPOINT")
    suite.clock.tick(seconds=61)
    suite.drain()
    assert suite.read(payment)["state"] == "accepted"
    assert charges(suite) == [("captured", 58_684)]


def test_a_worker_that_wakes_up_late_records_nothing(suite):
    payment = suite.pay(suite.card())
    with suite.runtime.transaction() as tx:
        [late] = effects.claim(tx, suite.clock())
    suite.clock.tick(seconds=61)
    with suite.runtime.transaction() as tx:
        [other] = effects.claim(tx, suite.clock())
        effects.record(tx, late, Declined("late", "Late."), suite.clock())
    assert suite.read(payment)["state"] == "processing"
    with suite.runtime.transaction() as tx:
        effects.record(tx, other, Captured(58_684, "USD"), suite.clock())
        effects.record(tx, other, Captured(58_684, "USD"), suite.clock())
    assert suite.read(payment)["state"] == "accepted"
    assert len(suite.published("payment_accepted")) == 1


def test_two_workers_never_claim_the_same_call(suite):
    suite.pay(suite.card())
    with suite.runtime.transaction() as tx:
        assert len(effects.claim(tx, suite.clock())) == 1
    with suite.runtime.transaction() as tx:
        assert effects.claim(tx, suite.clock()) == []


@pytest.mark.parametrize("answer", [Captured(58_685, "USD"), Captured(58_684, "EUR"), Voided()])
def test_an_answer_that_does_not_fit_is_never_posted(suite, answer):
    payment = suite.pay(suite.card())
    with suite.runtime.transaction() as tx:
        [claimed] = effects.claim(tx, suite.clock())
        effects.record(tx, claimed, answer, suite.clock())
    suite.clock.tick(hours=1)
    suite.drain()
    assert suite.read(payment)["state"] == "unknown"
    assert suite.published("payment_accepted") == []


def test_unanswered_calls_are_asked_again_later_and_later(suite):
    suite.pay(suite.card())
    waits = []
    for _ in range(12):
        with suite.runtime.transaction() as tx:
            [claimed] = effects.claim(tx, suite.clock())
            effects.record(tx, claimed, NoAnswer(), suite.clock())
        [call] = suite.rows("SELECT next_at FROM processor_call")
        before = suite.clock()
        while not suite.rows("SELECT 1 FROM processor_call WHERE next_at <= :now",
                             now=suite.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")):  # fmt: skip
            suite.clock.tick(seconds=1)
        waits.append((suite.clock() - before).seconds)
        assert call
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == 300


def test_a_charge_the_ledger_refuses_is_voided_and_then_told_once(suite):
    payment = suite.pay(suite.card())
    suite.drain()
    reject(suite, payment)
    reject(suite, payment)
    assert suite.read(payment)["state"] == "accepted"
    assert suite.published("payment_failed") == []
    suite.drain()
    found = suite.read(payment)
    assert (found["state"], found["reason"], found["money_moved"]) == ("failed", REASON, "no")
    assert charges(suite) == [("voided", 58_684)]
    assert len(suite.published("payment_failed")) == 1


def test_a_scheduled_card_is_captured_on_its_day_and_can_be_cancelled_before(suite):
    card = suite.card()
    kept, dropped = suite.pay(card, date="2025-05-06"), suite.pay(card, date="2025-05-06")
    assert suite.cancel(dropped).status_code == 200
    suite.end_day(suite.MONDAY)
    assert suite.read(kept)["state"] == "accepted"
    assert len(charges(suite)) == 1
    assert suite.cancel(kept).json["code"] == "too_late_to_cancel"


def test_a_card_that_is_being_charged_cannot_be_cancelled_and_says_nobody_knows(suite):
    answer = suite.cancel(suite.pay(suite.card()))
    assert (answer.status_code, answer.json["money_moved"]) == (409, "unknown")


def test_the_effects_loop_reports_what_it_recorded(suite):
    suite.pay(suite.card())
    assert runner.run_once(suite.runtime) == 1
    assert runner.run_once(suite.runtime) == 0
