"""Builders of the events payments publishes; the contracts are in ``shared/contracts``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from carport.payments.domain.payment import Method, Payment
from carport.shared import events
from carport.shared.events import Event

METHOD_ADDED = "payments.method_added.v1"
ACCEPTED = "payments.payment_accepted.v1"
SCHEDULED = "payments.payment_scheduled.v1"
CANCELLED = "payments.payment_cancelled.v1"
FAILED = "payments.payment_failed.v1"
SETTLED = "payments.payment_settled.v1"
RETURNED = "payments.payment_returned.v1"
DAY_DONE = "payments.day_done.v1"

PUBLISHES = frozenset(
    {METHOD_ADDED, ACCEPTED, SCHEDULED, CANCELLED, FAILED, SETTLED, RETURNED, DAY_DONE}
)
COUNTED = (ACCEPTED, CANCELLED, RETURNED)
"""What accounts waits for before it closes a day."""


def method_added(method: Method, now: datetime) -> Event:
    """Somebody can now be charged through *method*: the owner is told."""
    data = {
        "method_id": method.id,
        "user_id": method.user_id,
        "party_id": method.party_id,
        "type": method.type,
        "brand": method.brand,
        "last4": method.last4,
    }
    return events.make(METHOD_ADDED, subject=method.id, data=data, now=now)


def payment_accepted(payment: Payment, *, businessdate: date, now: datetime) -> Event:
    """*Post it*: credit is given from ``effective_on``."""
    data = {
        **_order(payment),
        "extra": payment.extra,
        "quote_id": payment.quote_id,
        "accepted_at": _instant(now),
    }
    return _about(ACCEPTED, payment, data, now, businessdate)


def payment_scheduled(payment: Payment, now: datetime) -> Event:
    """Ordered for a later date; nothing to post yet."""
    return _about(SCHEDULED, payment, _order(payment), now)


def payment_cancelled(payment: Payment, *, businessdate: date, now: datetime) -> Event:
    """Taken back by the customer; with ``was_accepted`` the receipt is to be reversed."""
    data = {
        **_reference(payment),
        "effective_on": payment.effective_on.isoformat(),
        "was_accepted": payment.accepted_on is not None,
    }
    return _about(CANCELLED, payment, data, now, businessdate)


def payment_failed(payment: Payment, now: datetime) -> Event:
    """Not made after all; no money moved."""
    data = {
        **_reference(payment),
        "party_id": payment.party_id,
        "reason": {"code": payment.reason_code, "text": payment.reason_text},
    }
    return _about(FAILED, payment, data, now)


def payment_settled(payment: Payment, *, settled_on: date, now: datetime) -> Event:
    """The bank moved the money, provisionally."""
    data = {
        "payment_id": payment.id,
        "account_id": payment.account_id,
        "amount": payment.amount,
        "settled_on": settled_on.isoformat(),
    }
    return _about(SETTLED, payment, data, now)


def payment_returned(payment: Payment, *, returned_on: date, now: datetime) -> Event:
    """The bank took the money back; the receipt is to be reversed at its effective date."""
    data = {
        **_reference(payment),
        "code": payment.reason_code,
        "text": payment.reason_text,
        "effective_on": payment.effective_on.isoformat(),
        "returned_on": returned_on.isoformat(),
    }
    return _about(RETURNED, payment, data, now, returned_on)


def day_done(day: date, *, counts: dict[str, int], totals: dict[str, int], now: datetime) -> Event:
    """All events of *day* are out; *counts* by type, *totals* in cents."""
    data = {"date": day.isoformat(), "events": counts, "totals": totals}
    return events.make(DAY_DONE, subject=day.isoformat(), data=data, now=now, businessdate=day)


def _about(
    type_: str,
    payment: Payment,
    data: dict[str, Any],
    now: datetime,
    businessdate: date | None = None,
) -> Event:
    return events.make(
        type_, subject=payment.account_id, data=data, now=now, businessdate=businessdate
    )


def _reference(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "account_id": payment.account_id,
        "amount": payment.amount,
        "confirmation_number": payment.confirmation_number,
    }


def _order(payment: Payment) -> dict[str, Any]:
    return {
        **_reference(payment),
        "currency": payment.currency,
        "effective_on": payment.effective_on.isoformat(),
        "method": {"type": payment.method_type, "brand": payment.brand, "last4": payment.last4},
        "user_id": payment.user_id,
        "party_id": payment.party_id,
    }


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
