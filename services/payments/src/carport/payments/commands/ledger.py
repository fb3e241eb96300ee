"""What accounts has done with a payment: posted, refused or reversed its receipt.

These may come in any order and twice. The receipt is kept as told; the payment moves only where
its state machine allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.payments.commands import bank, lifecycle
from carport.payments.domain.states import State
from carport.payments.repo import calls, payments

REFUSABLE = frozenset({State.ACCEPTED, State.CANCELLED})


def posted(tx: sa.Connection, told: Mapping[str, Any], *, now: datetime) -> None:
    """Keep the receipt, also of a payment that was taken back meanwhile, and post the payment."""
    payments.put_receipt(
        tx,
        told["payment_id"],
        account_id=told["account_id"],
        amount=told["amount"],
        posted_at=datetime.fromisoformat(told["posted_at"]),
        allocation={part: n for part, n in told["allocation"].items() if isinstance(n, int)},
        balance_after=told["balance_after"],
    )
    payment = payments.lock(tx, told["payment_id"])
    if payment is not None and payment.state is State.ACCEPTED:
        payments.move(tx, payment, State.POSTED, now)
        bank.apply_return(tx, payment.id, now=now)


def rejected(tx: sa.Connection, told: Mapping[str, Any], *, now: datetime) -> None:
    """A captured card is voided first and fails after that; anything else fails now.

    Of a payment that was cancelled meanwhile only the reason is kept: it has no receipt.
    """
    payment = payments.lock(tx, told["payment_id"])
    if payment is None or payment.state not in REFUSABLE or payment.reason_code is not None:
        return
    code, text = told["reason"]["code"], told["reason"]["text"]
    if payment.method_type != "card" and payment.state is State.ACCEPTED:
        lifecycle.fail(tx, payment, code=code, text=text, now=now)
        return
    payments.note(tx, payment, reason_code=code, reason_text=text)
    if payment.state is State.ACCEPTED:
        calls.open_call(tx, payment.id, "void", now)


def reversed_(tx: sa.Connection, told: Mapping[str, Any]) -> None:
    """Keep that the receipt is reversed, and why."""
    payments.put_receipt(
        tx,
        told["payment_id"],
        account_id=told["account_id"],
        amount=told["amount"],
        reversed_cause=told["cause"],
        reversed_on=date.fromisoformat(told["booked_on"]),
        balance_after=told["balance_after"],
    )
