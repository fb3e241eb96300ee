"""Payments and the methods they are made with, and what may still be done to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from carport.payments.domain.dates import IsBankingDay, banking_day_from, is_before
from carport.payments.domain.states import MONEY_MOVED, Settlement, State

MIDNIGHT = time(0)


class TooLateToCancel(Exception):
    """The entry is with the bank, the card was charged, or there is nothing left to stop."""

    code = "too_late_to_cancel"

    def __init__(self, payment: Payment) -> None:
        super().__init__(
            f"Payment {payment.confirmation_number} is {payment.state} and can no longer be"
            " cancelled. Call us if you need the money back."
        )
        self.extra = {"money_moved": MONEY_MOVED[payment.state]}


class FundingSourceUnusable(Exception):
    """A method that is deleted or blocked."""

    code = "funding_source_unusable"


class MethodInUse(Exception):
    """A method that scheduled payments still need."""

    code = "method_in_use"


@dataclass(frozen=True, slots=True)
class Method:
    """A bank account or card of a user; the number itself is sealed and not part of this."""

    id: str
    user_id: str
    party_id: str | None
    type: str  # bank_account | card
    brand: str
    last4: str
    account_type: str | None
    holder_name: str | None
    status: str  # usable | blocked | deleted
    processor_token: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """One order to pay, with a copy of what it is paid with. *amount* in cents, days the lender's.

    A cheque by mail has no user and no method id.
    """

    id: str
    account_id: str
    user_id: str | None
    party_id: str | None
    method_id: str | None
    method_type: str  # bank_account | card | cheque
    brand: str
    last4: str
    amount: int
    currency: str
    effective_on: date
    state: State
    confirmation_number: str
    created_at: datetime
    extra: str | None = None
    quote_id: str | None = None
    authorization_text_version: str | None = None
    item_key: str | None = None
    settlement: Settlement = Settlement.NONE
    seq: int = 1
    reason_code: str | None = None
    reason_text: str | None = None
    accepted_on: date | None = None
    cancelled_on: date | None = None
    returned_on: date | None = None
    submitted_on: date | None = None
    settled_on: date | None = None
    cleared_on: date | None = None


def first_state(method_type: str, *, effective_on: date, today: date) -> State:
    """Where an order begins, and what a scheduled one becomes on its day."""
    if effective_on > today:
        return State.SCHEDULED
    return State.PROCESSING if method_type == "card" else State.ACCEPTED


def check_usable(method: Method) -> None:
    """Raises FundingSourceUnusable."""
    if method.status != "usable":
        why = "was removed" if method.status == "deleted" else "was refused by the bank"
        raise FundingSourceUnusable(
            f"{method.brand} ending in {method.last4} {why}. Choose or add another way to pay;"
            " no money moved."
        )


def cancel_limit(
    payment: Payment, *, cut_off: time, is_banking_day: IsBankingDay
) -> tuple[date, time] | None:
    """Local day and time before which *payment* can be taken back; None when it cannot.

    A bank payment until the cut-off of its file, a card order until its day opens.
    """
    if payment.settlement is not Settlement.NONE:
        return None
    if payment.method_type == "card" and payment.state is State.SCHEDULED:
        return payment.effective_on, MIDNIGHT
    stoppable = {State.SCHEDULED, State.ACCEPTED, State.POSTED}
    if payment.method_type == "bank_account" and payment.state in stoppable:
        return banking_day_from(payment.effective_on, is_banking_day), cut_off
    return None


def is_cancellable(limit: tuple[date, time] | None, *, today: date, local_time: time) -> bool:
    """Whether *today* at *local_time* is before *limit* (of ``cancel_limit``)."""
    return limit is not None and is_before(
        day=limit[0], limit=limit[1], today=today, local_time=local_time
    )


def money_moved(payment: Payment) -> str:
    """``no``, ``yes`` or ``unknown``: a cheque that was refused is still cashed."""
    if payment.method_type == "cheque" and payment.state is State.FAILED:
        return "yes"
    return MONEY_MOVED[payment.state]
