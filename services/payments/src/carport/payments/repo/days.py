"""Days announced as done, anchors of the ledger, and what the bank has returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.payments.tables import bank_returns, days_done, ledger_anchors
from carport.shared.db import insert_if_absent


def keep_anchor(
    tx: sa.Connection, day: date, *, contracts: int, sha256: str, now: datetime
) -> None:
    """Keep the first anchor told of *day*: a rebuilt ledger shall not replace it."""
    insert_if_absent(
        tx, ledger_anchors, date=day, contracts=contracts, sha256=sha256, received_at=now
    )


def add_done(
    tx: sa.Connection, day: date, *, events: dict[str, int], totals: dict[str, int]
) -> None:
    """Keep what was announced of *day*."""
    tx.execute(days_done.insert().values(date=day, events=events, totals=totals))


def all_done(tx: sa.Connection) -> Sequence[Mapping[str, Any]]:
    """Every announced day, oldest first."""
    return tx.execute(sa.select(days_done).order_by(days_done.c.date)).mappings().all()


def add_return(tx: sa.Connection, payment_id: str, *, code: str, state: str, now: datetime) -> bool:
    """Keep a return; False when one is kept already."""
    return insert_if_absent(
        tx, bank_returns, payment_id=payment_id, code=code, state=state, received_at=now
    )


def waiting_return(tx: sa.Connection, payment_id: str) -> str | None:
    """The code of a return that came before the payment was posted."""
    query = sa.select(bank_returns.c.code).where(
        bank_returns.c.payment_id == payment_id, bank_returns.c.state == "waiting"
    )
    return tx.execute(query).scalar()


def mark_return(tx: sa.Connection, payment_id: str, state: str) -> None:
    """Move a kept return to *state*."""
    mine = bank_returns.c.payment_id == payment_id
    tx.execute(bank_returns.update().where(mine).values(state=state))
