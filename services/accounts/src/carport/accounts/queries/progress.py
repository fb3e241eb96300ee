"""How far the close of the business day is, for those who watch it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from carport.accounts.repo import days
from carport.accounts.tables import contract
from carport.shared import business_day
from carport.shared.health import COUNTED_MAX, age


def gauges(tx: sa.Connection, now: datetime) -> dict[str, float]:
    """Since when the close of the open day has been going on, and how much is left of it."""
    if not business_day.is_open(tx):
        return {}
    today = business_day.get(tx).date
    saga = days.find(tx, today)
    some = sa.select(contract.c.id).where(contract.c.closed_through < today).limit(COUNTED_MAX)
    left = sa.select(sa.func.count()).select_from(some.subquery())
    return {
        "carport_close_age_seconds": age(saga["started_at"] if saga else None, now),
        "carport_close_contracts_left": tx.execute(left).scalar_one() if saga else 0.0,
    }
