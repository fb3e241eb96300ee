"""Payments in and out of a contract: posted once, reversed at most once, replayed each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.rebook import Booked, rebook, rebook_one, store
from carport.accounts.domain import bookings
from carport.accounts.domain.items import Payment
from carport.accounts.domain.replay import allocation_of
from carport.accounts.domain.state import balance
from carport.accounts.repo import contracts, items, work
from carport.accounts.repo.books import Books
from carport.accounts.repo.contracts import Contract
from carport.shared import failpoints, outbox
from carport.shared.errors import NotYet
from carport.shared.events import Event

ALLOCATION = ("interest", "principal", "fees", "rental", "tax", "unapplied")
REJECTED = "payment_rejected"
REASONS = {
    "account_closed": "The account is closed. Nothing was posted; the payment is given back.",
    "currency_mismatch": "The account is kept in another currency. Nothing was posted.",
    "extra_not_allowed": "A lease has no principal to prepay. Nothing was posted.",
    "before_contract": "The payment is dated before this account began. Nothing was posted.",
}


@dataclass(frozen=True)
class Accepted:
    """A payment that payments has accepted. *businessdate* is the day it belongs to there; *note*
    is what customers are shown of it."""

    payment: Payment
    account_id: str
    currency: str
    businessdate: date | None
    note: dict[str, Any]
    event_id: str | None = None


class PostingRun:
    """Payments posted together: their contracts are locked in one order and read at once, and all
    that follows is written at once by ``store``."""

    def __init__(self, tx: sa.Connection, given: Sequence[Accepted], now: datetime) -> None:
        ids = [each.account_id for each in given]
        self._tx = tx
        self._now = now
        self._contracts = contracts.lock_many(tx, ids)
        self._known = items.known(tx, [each.payment.id for each in given], asked=REJECTED)
        self._books = Books(tx, self._contracts)
        self._standing = items.standing_of(tx, list(self._contracts), through=date.max)
        self._new: list[dict[str, Any]] = []
        self._booked: list[Booked] = []

    def post(self, accepted: Accepted) -> Booked | None:
        """Post a payment, or publish why it cannot be posted (None then, and when it was before).

        Raises NotYet while the account is unknown or its open day is before the payment's.
        """
        payment, now = accepted.payment, self._now
        contract = awaited(
            self._contracts.get(accepted.account_id), accepted.account_id, accepted.businessdate
        )
        if payment.effective_on > contract.open_day:
            raise NotYet(f"{payment.effective_on} is not open yet")
        if payment.id in self._known:
            return None
        code = refusal(contract, payment, accepted.currency)
        if code:
            reject(self._tx, contract, payment, code, now)
            return None
        self._keep(contract, accepted)
        receipt = bookings.receipt(payment, contract_id=contract.id, booked_on=contract.open_day)
        booked = rebook(
            self._books, contract, self._standing[contract.id], now=now, facts=[receipt],
            source_event_id=accepted.event_id,
        )  # fmt: skip
        posted = posted_event(booked, payment, booked_on=contract.open_day, now=now)
        booked = replace(booked, said=(*booked.said, posted))
        self._contracts[contract.id] = booked.contract
        self._booked.append(booked)
        return booked

    def store(self) -> None:
        """Write everything."""
        items.add(self._tx, self._new)
        store(self._tx, self._books, self._booked)

    def _keep(self, contract: Contract, accepted: Accepted) -> None:
        payment = accepted.payment
        self._known.add(payment.id)
        self._standing[contract.id].append(payment)
        self._new.append(items.as_row(
            contract.id, payment, now=self._now, source_event_id=accepted.event_id,
            note=accepted.note,
        ))  # fmt: skip


def posted_event(booked: Booked, payment: Payment, *, booked_on: date, now: datetime) -> Event:
    """What payments, notifications and lease are told of a payment that was posted."""
    return events.payment_posted(
        booked.contract,
        payment={"id": payment.id, "amount": payment.amount, "effective_on": payment.effective_on},
        allocation=public_allocation(booked, payment.id),
        balance_after=balance(booked.state),
        booked_on=booked_on,
        now=now,
    )


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
    if work.known(tx, REJECTED, [payment_id]):
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
    booked = rebook_one(tx, contract, now=now, facts=[taken_back], source_event_id=event_id)
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
    failpoints.hit("reversal.before_commit")
    return booked


def lock(tx: sa.Connection, account_id: str, businessdate: date | None) -> Contract:
    """The contract, locked. Raises NotYet while it is unknown or on a day before *businessdate*."""
    return awaited(contracts.lock(tx, account_id), account_id, businessdate)


def awaited(contract: Contract | None, account_id: str, businessdate: date | None) -> Contract:
    """*contract*, which is there and has *businessdate* open or behind it. Raises NotYet."""
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
