"""Calls to the card processor as rows: opened with the payment, claimed, answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from carport.payments.tables import payment_methods, payments, processor_calls
from carport.shared import telemetry
from carport.shared.db import wake

CLAIM_S = 60
BATCH = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make. *key* is the provider's idempotency key; *attempts* were made before."""

    key: str
    payment_id: str
    kind: str  # capture | void
    attempts: int
    amount: int
    currency: str
    processor_token: str
    traceparent: str | None
    claim_token: str


def open_call(tx: sa.Connection, payment_id: str, kind: str, now: datetime) -> None:
    """Have the processor called once *tx* has committed; at most once of a kind for a payment."""
    tx.execute(
        processor_calls.insert().values(
            key=f"{kind}-{payment_id}",
            payment_id=payment_id,
            kind=kind,
            state="open",
            attempts=0,
            next_at=now,
            traceparent=telemetry.context().get("traceparent"),
        )
    )
    wake(tx, "effects")


def claim(tx: sa.Connection, token: str, now: datetime) -> Sequence[Call]:
    """Lease the calls that are due to *token*, counting the attempt before it is made."""
    rows = tx.execute(_due(now)).mappings().all()
    keys = [row["key"] for row in rows]
    leased = processor_calls.update().where(processor_calls.c.key.in_(keys))
    if keys:
        tx.execute(
            leased.values(
                attempts=processor_calls.c.attempts + 1,
                claim_token=token,
                claimed_until=now + timedelta(seconds=CLAIM_S),
            )
        )
    return [Call(**row, claim_token=token) for row in rows]


def answer(tx: sa.Connection, call: Call, **values: Any) -> bool:
    """Store the outcome of *call*; False when somebody else has claimed it since."""
    mine = sa.and_(
        processor_calls.c.key == call.key,
        processor_calls.c.claim_token == call.claim_token,
        processor_calls.c.state == "open",
    )
    change = processor_calls.update().where(mine)
    released = {"claim_token": None, "claimed_until": None}
    return tx.execute(change.values(**released, **values)).rowcount == 1


def _due(now: datetime) -> sa.Select[Any]:
    free = sa.or_(processor_calls.c.claimed_until.is_(None), processor_calls.c.claimed_until <= now)
    return (
        sa.select(
            processor_calls.c.key,
            processor_calls.c.payment_id,
            processor_calls.c.kind,
            processor_calls.c.attempts,
            processor_calls.c.traceparent,
            payments.c.amount,
            payments.c.currency,
            payment_methods.c.processor_token,
        )
        .join(payments, payments.c.id == processor_calls.c.payment_id)
        .join(payment_methods, payment_methods.c.id == payments.c.method_id)
        .where(processor_calls.c.state == "open", processor_calls.c.next_at <= now, free)
        .order_by(processor_calls.c.next_at)
        .limit(BATCH)
        .with_for_update(of=processor_calls, skip_locked=True)
    )
