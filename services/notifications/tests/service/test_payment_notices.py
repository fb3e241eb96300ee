"""Receipts and other notices about payments: one of each, in whatever order events come."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from carport.shared.kernel.ids import new_id


def receipts(world, to=None):
    return [m for m in world.mails(to) if m["event_type"] == "accounts.payment_posted.v1"]


def words(mail):
    return " ".join(mail["text"].split())


def test_a_receipt_says_where_every_cent_went(world):
    customer = world.board()
    order = world.order(customer)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    [mail] = world.mails("ann@example.com")
    assert mail["subject"] == "Payment of $586.84 received"
    for fact in (
        "Amount: $586.84",
        "Effective date: May 1, 2025",
        "Confirmation number: 7K3M9QX2TW",
        "Paid with: bank account ending in 6789",
        "Interest: $160.03",
        "Principal: $401.81",
        "Fees: $25.00",
        "Balance after this payment: $29,598.19",
    ):
        assert fact in mail["text"]
    assert "Tax" not in mail["text"]


@pytest.mark.parametrize("seed", range(5))
def test_one_receipt_for_each_payment_whatever_is_redelivered_and_in_any_order(world, seed):
    customer = world.board()
    orders = [world.order(customer, confirmation_number=f"PAYMENT00{n}") for n in range(4)]
    events = [world.event("payments.payment_accepted.v1", order) for order in orders]
    events += [world.event("accounts.payment_posted.v1", world.posting(order)) for order in orders]
    # The ledger says it again in an event of its own: the payment is still the same one.
    events += [world.event("accounts.payment_posted.v1", world.posting(order)) for order in orders]
    deliveries = events * 3
    random.Random(seed).shuffle(deliveries)
    for event in deliveries:
        world.deliver(event)
    world.drain()
    told = sorted(m["text"].split("Confirmation number: ")[1][:10] for m in receipts(world))
    assert told == [f"PAYMENT00{n}" for n in range(4)]
    assert world.unfinished() == []


def test_a_receipt_waits_for_the_customers_address(world):
    known = world.board()
    later = replace(
        known, account=new_id(world.now), party=new_id(world.now), email="z@example.com"
    )
    order = world.order(later)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    assert world.mails() == []
    world.deliver(*reversed(world.boarding(later)))
    world.drain()
    assert len(receipts(world, "z@example.com")) == 1


def test_a_cheque_by_mail_is_receipted_to_everybody_on_the_account(world):
    customer = world.board()
    method = {"type": "cheque", "brand": "Cheque", "last4": "1021"}
    order = world.order(customer, method=method, party_id=None, user_id=None)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    [mail] = receipts(world, "ann@example.com")
    assert "Paid with: check by mail, number ending in 1021" in mail["text"]


def test_a_verified_address_takes_the_place_of_the_boarded_one(world):
    customer = world.board()
    verified = {"user_id": customer.user, "party_id": customer.party, "email": "new@example.com"}
    world.say("auth.contact_verified.v1", verified)
    moved = world.boarding(customer)[1]
    world.deliver(moved)
    order = world.order(customer)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    assert [m["to"] for m in receipts(world)] == ["new@example.com"]


def test_an_older_contact_event_that_comes_late_changes_nothing(world):
    customer = world.board(email="new@example.com")
    older = world.boarding(customer, email="old@example.com")[1]
    newer = world.boarding(customer, email="newest@example.com")[1]
    world.deliver(newer, older)
    order = world.order(customer)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    assert [m["to"] for m in receipts(world)] == ["newest@example.com"]


def test_a_declined_card_is_told_with_the_reason_and_that_no_money_moved(world):
    customer = world.board()
    failed = {
        "payment_id": new_id(world.now),
        "account_id": customer.account,
        "amount": 58684,
        "reason": {"code": "card_declined", "text": "Your bank declined the card."},
        "confirmation_number": "7K3M9QX2TW",
    }
    world.say("payments.payment_failed.v1", failed)
    [mail] = world.mails("ann@example.com")
    assert "Your bank declined the card." in mail["text"]
    assert "No money was moved." in mail["text"]
    assert "Reference: 7K3M9QX2TW" in mail["text"]


def test_a_rejected_payment_is_told_once_though_payments_says_it_failed_too(world):
    customer = world.board()
    order = world.order(customer)
    reason = {"code": "account_paid_off", "text": "The account is already paid off."}
    said = {
        "payment_id": order["payment_id"],
        "account_id": customer.account,
        "amount": order["amount"],
        "reason": reason,
    }
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_rejected.v1", said)
    world.say("payments.payment_failed.v1", {**said, "confirmation_number": "7K3M9QX2TW"})
    [mail] = world.mails("ann@example.com")
    assert "given back in full" in words(mail)


def test_a_scheduled_payment_is_confirmed_and_its_cancellation_too(world):
    customer = world.board()
    order = world.order(customer, effective_on="2025-05-20")
    cancelled = {
        "payment_id": order["payment_id"],
        "account_id": customer.account,
        "amount": order["amount"],
        "effective_on": "2025-05-20",
        "was_accepted": False,
        "confirmation_number": order["confirmation_number"],
    }
    world.say("payments.payment_scheduled.v1", order)
    world.say("payments.payment_cancelled.v1", cancelled)
    newest, oldest = world.mails("ann@example.com")
    assert oldest["subject"] == "Payment of $586.84 scheduled for May 20, 2025"
    assert "No money has moved yet." in oldest["text"]
    assert "From: bank account ending in" in oldest["text"]
    assert newest["subject"] == "Payment of $586.84 cancelled"


def reversal(order, cause, code=None):
    return {
        "payment_id": order["payment_id"],
        "account_id": order["account_id"],
        "amount": order["amount"],
        "cause": cause,
        "code": code,
        "effective_on": "2025-05-01",
        "booked_on": "2025-05-02",
        "balance_after": 3018503,
    }


def test_a_posted_payment_that_is_cancelled_is_told_once_with_the_balance(world):
    customer = world.board()
    order = world.order(customer)
    cancelled = {
        "payment_id": order["payment_id"],
        "account_id": customer.account,
        "amount": order["amount"],
        "effective_on": "2025-05-01",
        "was_accepted": True,
        "confirmation_number": order["confirmation_number"],
    }
    world.say("payments.payment_accepted.v1", order)
    world.say("payments.payment_cancelled.v1", cancelled)
    assert world.mails() == []
    world.say("accounts.payment_reversed.v1", reversal(order, "cancelled"))
    [mail] = world.mails("ann@example.com")
    assert "Balance now: $30,185.03" in mail["text"]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_returned_payment_is_told_with_the_banks_reason_and_the_balance(world, backwards):
    customer = world.board()
    order = world.order(customer)
    returned = {
        "payment_id": order["payment_id"],
        "account_id": customer.account,
        "amount": order["amount"],
        "code": "R01",
        "text": "There was not enough money in the account.",
        "effective_on": "2025-05-01",
        "returned_on": "2025-05-03",
        "confirmation_number": order["confirmation_number"],
    }
    events = [
        world.event("payments.payment_accepted.v1", order),
        world.event("payments.payment_returned.v1", returned),
        world.event("accounts.payment_reversed.v1", reversal(order, "returned", "R01")),
    ]
    world.deliver(*(reversed(events) if backwards else events))
    world.drain()
    [mail] = world.mails("ann@example.com")
    assert "There was not enough money in the account." in words(mail)
    assert "Return code: R01" in mail["text"]
    assert "Balance now: $30,185.03" in mail["text"]


def test_a_new_payment_method_is_told(world):
    customer = world.board()
    added = {
        "method_id": new_id(world.now),
        "user_id": customer.user,
        "party_id": customer.party,
        "type": "card",
        "brand": "Visa",
        "last4": "4242",
    }
    world.say("payments.method_added.v1", added)
    [mail] = world.mails("ann@example.com")
    assert "Visa card ending in 4242 was added" in words(mail)
