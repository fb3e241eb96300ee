"""The business day a service stands on: one row, moved by the daily close (accounts owns the day).

A command that dates something holds the row shared until it commits, so that no such command can
fall between the work of a day and the announcement that the day is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Any

import sqlalchemy as sa

from carport.shared.db import SPINE, Day, Text, insert_if_absent, table
from carport.shared.errors import Unavailable

NOON = time(12)

business_day = table(
    "business_day",
    SPINE,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("date", Day, nullable=False),
    sa.Column("local_time", Text, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)


@dataclass(frozen=True)
class BusinessDay:
    """*date* in the lender's calendar and the local time of day it stands at."""

    date: date
    local_time: time


def get(tx: sa.Connection) -> BusinessDay:
    """The open day. Raises Unavailable before the first day has been announced."""
    return _read(tx, sa.select(business_day))


def hold(tx: sa.Connection) -> BusinessDay:
    """The open day, which cannot end before this transaction does."""
    return _read(tx, sa.select(business_day).with_for_update(read=True))


def lock(tx: sa.Connection) -> BusinessDay:
    """The open day, locked against every command that dates something."""
    return _read(tx, sa.select(business_day).with_for_update())


def is_open(tx: sa.Connection) -> bool:
    """Whether a first day has been announced to this service."""
    return tx.execute(sa.select(business_day.c.id)).first() is not None


def open_day(tx: sa.Connection, day: date, local_time: time = NOON) -> None:
    """Stand on *day* from now on, at *local_time*."""
    if not open_first(tx, day, local_time):
        tx.execute(business_day.update().values(_row(day, local_time)))


def open_first(tx: sa.Connection, day: date, local_time: time) -> bool:
    """Stand on *day*; False, with nothing changed, where a day has been opened before."""
    return insert_if_absent(tx, business_day, id=1, **_row(day, local_time))


def follow(tx: sa.Connection, day: date, local_time: time) -> None:
    """Stand on the latest day told of: announcements may come late, and at once."""
    if not open_first(tx, day, local_time):
        earlier = business_day.update().where(business_day.c.date <= day)
        tx.execute(earlier.values(_row(day, local_time)))


def _row(day: date, local_time: time) -> dict[str, Any]:
    return {"date": day, "local_time": local_time.isoformat("minutes")}


def _read(tx: sa.Connection, query: sa.Select[tuple[int, date, str]]) -> BusinessDay:
    row = tx.execute(query).mappings().first()
    if row is None:
        raise Unavailable("The first business day has not been opened yet; try again in a moment.")
    return BusinessDay(row["date"], time.fromisoformat(row["local_time"]))
