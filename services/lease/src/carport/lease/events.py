"""Events lease publishes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from carport.shared import events
from carport.shared.events import Event

DAY_DONE = "lease.day_done.v1"
MATURITY_APPROACHING = "lease.maturity_approaching.v1"
PUBLISHES = frozenset({DAY_DONE, MATURITY_APPROACHING})
COUNTED: frozenset[str] = frozenset()
"""Types of lease that accounts books something for: it waits for as many as day_done announces."""


def maturity_approaching(
    account_id: str, *, maturity_date: date, days_left: int, now: datetime, day: date
) -> Event:
    """The lease ends in *days_left* days."""
    data = {
        "account_id": account_id,
        "maturity_date": maturity_date.isoformat(),
        "days_left": days_left,
    }
    return events.make(
        MATURITY_APPROACHING, subject=account_id, data=data, now=now, businessdate=day
    )


def day_done(day: date, *, counts: Mapping[str, int], now: datetime) -> Event:
    """Everything of *day* has been said; *counts* is how many of each type accounts waits for."""
    data = {"date": day.isoformat(), "events": dict(counts), "totals": {}}
    return events.make(DAY_DONE, subject=day.isoformat(), data=data, now=now, businessdate=day)
