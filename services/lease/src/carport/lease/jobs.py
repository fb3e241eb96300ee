"""Work of a business day: maturity notices as soon as it is open, then the end of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from carport.lease import commands, repo
from carport.shared import business_day
from carport.shared.service import Chunk, Job


def due_notices(tx: Connection, now: datetime) -> Sequence[Chunk]:
    """One piece for each lease that has a notice to come."""
    if not business_day.is_open(tx):
        return ()
    day = business_day.get(tx).date
    due = repo.leases_to_notify(tx, day, commands.NOTICES_MAX)
    return [(day, account_id) for account_id in due]


def due_day_end(tx: Connection, now: datetime) -> Sequence[Chunk]:
    """The open day, once accounts wants it ended."""
    if not business_day.is_open(tx):
        return ()
    day = business_day.get(tx).date
    return [(day, day.isoformat())] if repo.announced_day_end(tx, day) else ()


def run_day_end(tx: Connection, key: str, now: datetime) -> None:
    """*key* is the day."""
    commands.end_day(tx, date.fromisoformat(key), now)


JOBS = {
    "maturity_notices": Job(chunks=due_notices, run=commands.tell_maturity),
    "day_end": Job(chunks=due_day_end, run=run_day_end),
}
