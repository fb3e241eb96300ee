"""Notices about an account: reminders by preference, late fees each time, the end once."""

from __future__ import annotations

import pytest
from carport.shared import business_day


def due(customer, days_ahead):
    return {
        "account_id": customer.account,
        "number": 5,
        "amount": 58684,
        "due_date": "2025-05-24",
        "days_ahead": days_ahead,
    }


def test_a_reminder_says_what_is_due_and_when(world):
    customer = world.board()
    world.say("accounts.payment_due.v1", due(customer, 10))
    [mail] = world.mails("ann@example.com")
    assert mail["subject"] == "Payment of $586.84 due on May 24, 2025"
    assert "is due in 10 days" in mail["text"]


@pytest.mark.parametrize(
    ("days_ahead", "words"), [(0, "due today"), (3, "due in 3 days"), (10, "due in 10 days")]
)
def test_the_days_ahead_are_in_words(world, days_ahead, words):
    customer = world.board()
    world.say("accounts.payment_due.v1", due(customer, days_ahead))
    assert words in world.mails()[0]["text"]


def test_each_reminder_comes_once_even_when_the_ledger_says_it_twice(world):
    customer = world.board()
    for days_ahead in (10, 10, 3, 3):
        world.say("accounts.payment_due.v1", due(customer, days_ahead))
    assert len(world.mails()) == 2


def test_reminders_come_only_so_many_days_ahead_as_asked_for(world):
    customer = world.board()
    world.prefer(customer, days_ahead=[3])
    for days_ahead in (10, 3, 0):
        world.say("accounts.payment_due.v1", due(customer, days_ahead))
    [mail] = world.mails()
    assert "due in 3 days" in mail["text"]
    assert len(world.messages(customer)) == 1


def late_fee(customer):
    return {
        "account_id": customer.account,
        "number": 5,
        "due_date": "2025-05-24",
        "amount": 2500,
        "assessed_on": "2025-06-04",
        "booked_on": "2025-06-04",
    }


def test_a_fee_charged_again_after_it_was_taken_off_is_told_again(world):
    customer = world.board()
    first = world.say("accounts.late_fee_assessed.v1", late_fee(customer))
    world.say("accounts.late_fee_removed.v1", late_fee(customer))
    world.say("accounts.late_fee_assessed.v1", late_fee(customer))
    world.deliver(first)
    subjects = [mail["subject"] for mail in reversed(world.mails())]
    assert subjects == [
        "A late fee of $25.00 was charged",
        "A late fee of $25.00 was taken off",
        "A late fee of $25.00 was charged",
    ]


@pytest.mark.parametrize(
    ("event", "data", "subject"),
    [
        ("accounts.paid_off.v1", {"paid_off_on": "2025-05-05"}, "Your account is paid off"),
        ("accounts.reopened.v1", {"reopened_on": "2025-05-07"}, "Your account is open again"),
        (
            "lease.maturity_approaching.v1",
            {"maturity_date": "2026-03-01", "days_left": 90},
            "Your lease ends on March 1, 2026",
        ),
    ],
)
def test_turns_of_the_contract_are_told(world, event, data, subject):
    customer = world.board()
    world.say(event, {"account_id": customer.account, **data})
    assert [mail["subject"] for mail in world.mails("ann@example.com")] == [subject]


def test_everybody_on_the_account_is_told(world):
    customer = world.board()
    other = world.board(email="bo@example.com")
    link = {
        "user_id": other.user,
        "party_id": other.party,
        "account_id": customer.account,
        "role": "co_borrower",
    }
    world.say("auth.account_linked.v1", link)
    world.say("accounts.late_fee_assessed.v1", late_fee(customer))
    assert sorted(mail["to"] for mail in world.mails()) == ["ann@example.com", "bo@example.com"]


def test_a_customer_without_an_address_is_told_in_the_inbox(world):
    customer = world.board(email=None)
    world.say("accounts.late_fee_assessed.v1", late_fee(customer))
    assert world.mails() == []
    assert len(world.messages(customer)) == 1
    assert world.unfinished() == []


def test_whoever_asked_for_no_contact_gets_required_notices_only(world):
    customer = world.board()
    flags = {"account_id": customer.account, "version": 2, "flags": ["cease_contact"]}
    world.say("accounts.account_changed.v1", flags)
    world.say("accounts.account_changed.v1", {**flags, "version": 1, "flags": []})
    world.say("accounts.payment_due.v1", due(customer, 10))
    world.say("accounts.late_fee_assessed.v1", late_fee(customer))
    assert [m["subject"] for m in world.mails()] == ["A late fee of $25.00 was charged"]


def test_the_business_day_moves_on_and_never_back(world):
    for day in ("2025-05-02", "2025-05-04", "2025-05-03"):
        world.say("accounts.day_opened.v1", {"date": day, "local_time": "12:00"})
    with world.runtime.reading() as tx:
        assert business_day.get(tx).date.isoformat() == "2025-05-04"
