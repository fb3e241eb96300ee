"""Payments in and out of a contract: posted once, reversed at most once, replayed each time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.rebook import Booked, rebook
from carport.accounts.domain import bookings
from carport.accounts.domain.items import Payment
from carport.accounts.domain.replay import allocation_of
from carport.accounts.domain.state import balance
from carport.accounts.repo import contracts, items, work
from carport.accounts.repo.contracts import Contract
from carport.shared import outbox
from carport.shared.errors import NotYet

ALLOCATION = ("interest", "principal", "fees", "rental", "tax", "unapplied")
REJECTED = "payment_rejected"
REASONS = {
    "account_closed": "The account is closed. Nothing was posted; the payment is given back.",
    "currency_mismatch": "The account is kept in another currency. Nothing was posted.",
    "extra_not_allowed": "A lease has no principal to prepay. Nothing was posted.",
    "before_contract": "The payment is dated before this account began. Nothing was posted.",
}


def post_payment(
    tx: sa.Connection,
    payment: Payment,
    *,
    account_id: str,
    currency: str,
    businessdate: date | None,
    note: Mapping[str, Any],
    now: datetime,
    event_id: str | None = None,
) -> Booked | None:
    """Post *payment*, or publish why it cannot be posted (None then, and when it was before).

    Raises NotYet while the account is unknown or its open day is before *businessdate*.
    """
    contract = lock(tx, account_id, businessdate)
    if payment.effective_on > contract.open_day:
        raise NotYet(f"{payment.effective_on} is not open yet")
    if items.find(tx, payment.id) is not None:
        return None
    code = refusal(contract, payment, currency)
    if code:
        reject(tx, contract, payment, code, now)
        return None
    items.add(tx, contract.id, payment, now=now, source_event_id=event_id, note=dict(note))
    receipt = bookings.receipt(payment, contract_id=contract.id, booked_on=contract.open_day)
    booked = rebook(tx, contract, now=now, facts=[receipt], source_event_id=event_id)
    outbox.add(tx, events.payment_posted(
        booked.contract,
        payment={"id": payment.id, "amount": payment.amount, "effective_on": payment.effective_on},
        allocation=public_allocation(booked, payment.id),
        balance_after=balance(booked.state),
        booked_on=contract.open_day,
        now=now,
    ))  # fmt: skip
    return booked


def refusal(contract: Contract, payment: Payment, currency: str) -> str | None:
    """The code of why *contract* cannot take *payment*; what is above a payoff it can take."""
    if contract.status == "closed":
        return "account_closed"
    if contract.currency != currency:
        return "currency_mismatch"
    if payment.effective_on < contract.terms.starts_on:
        return "before_contract"
    if contract.product == "lease" and payment.extra == "principal":
        return "extra_not_allowed"
    return None


def reject(
    tx: sa.Connection, contract: Contract, payment: Payment, code: str, now: datetime
) -> None:
    """Say, once, why *payment* cannot be posted, and have somebody look after its money."""
    if work.add(tx, REJECTED, payment.id, {"account_id": contract.id, "code": code}, now):
        rejected = events.payment_rejected(
            contract.id,
            payment_id=payment.id,
            amount=payment.amount,
            code=code,
            text=REASONS[code],
            now=now,
        )
        outbox.add(tx, rejected)


def reverse_payment(
    tx: sa.Connection,
    payment_id: str,
    *,
    account_id: str,
    cause: str,
    code: str | None,
    businessdate: date | None,
    now: datetime,
    event_id: str | None = None,
) -> Booked | None:
    """Take a posted payment out again, as of its own effective date; None when it was before.

    *cause* is ``cancelled`` or ``returned`` (with the bank's *code*). Nothing is left to take out
    of a payment that was rejected. Raises NotYet while the payment is not posted.
    """
    contract = lock(tx, account_id, businessdate)
    if work.exists(tx, REJECTED, payment_id):
        return None
    row = items.find(tx, payment_id)
    if row is None or row["contract_id"] != contract.id:
        raise NotYet(f"payment {payment_id} is not posted")
    reversal = {"cause": cause, "code": code, "booked_on": contract.open_day.isoformat()}
    if not items.reverse(tx, payment_id, now=now, reversal=reversal):
        return None
    payment = items.fact(row)
    if not isinstance(payment, Payment):
        raise NotYet(f"{payment_id} is no payment")
    receipt = bookings.receipt(payment, contract_id=contract.id, booked_on=contract.open_day)
    taken_back = receipt.reversed(booked_on=contract.open_day)
    booked = rebook(tx, contract, now=now, facts=[taken_back], source_event_id=event_id)
    outbox.add(tx, events.payment_reversed(
        booked.contract,
        now=now,
        payment_id=payment_id,
        amount=payment.amount,
        cause=cause,
        code=code,
        effective_on=payment.effective_on,
        booked_on=contract.open_day,
        balance_after=balance(booked.state),
    ))  # fmt: skip
    return booked


def lock(tx: sa.Connection, account_id: str, businessdate: date | None) -> Contract:
    """The contract, locked. Raises NotYet while it is unknown or on a day before *businessdate*."""
    contract = contracts.lock(tx, account_id)
    if contract is None:
        raise NotYet(f"account {account_id} is not boarded")
    if businessdate is not None and businessdate > contract.open_day:
        raise NotYet(f"{businessdate} is not open yet for {account_id}")
    return contract


def public_allocation(booked: Booked, payment_id: str) -> dict[str, int]:
    """Where a payment's cents are now, in the words of the API."""
    return shown_allocation(allocation_of(booked.derivation, payment_id))


def shown_allocation(parts: Mapping[str, int]) -> dict[str, int]:
    """The buckets a customer is shown; they add up to the payment."""
    seen = {name: parts[name] for name in ALLOCATION}
    seen["principal"] += parts["lease_balance"] + parts["recovery"]
    seen["fees"] += parts["fee_income"]
    return seen
