"""The end of a business day: its last work, the announcement that it is done, the next day."""

from __future__ import annotations

from datetime import date, datetime, time

import sqlalchemy as sa

from carport.payments import events
from carport.payments.commands import lifecycle
from carport.payments.domain.dates import ONE_DAY
from carport.payments.repo import days, payments
from carport.shared import business_day, db, outbox
from carport.shared.errors import NotYet

LAST_WORK_MAX = 500
"""What may be left for the end of a day; more is first done by the jobs, in pieces."""


def open_first(tx: sa.Connection, day: date, local_time: time) -> None:
    """Stand on the first day told of; later ones we reach by ourselves, and never go back."""
    if business_day.open_first(tx, day, local_time):
        db.wake(tx, "jobs")


def close(tx: sa.Connection, day: date, *, next_local_time: time, now: datetime) -> None:
    """Do the work of *day*, announce it done and stand on the next one; all or nothing.

    The date row is locked exclusively: an order is either counted in this day or made in the next.
    Raises NotYet while *day* has not come, or while jobs still have too much of it to do.
    """
    if not business_day.is_open(tx):
        raise NotYet("the first day has not been opened")
    today = business_day.lock(tx).date
    if today > day:
        return
    if today < day:
        raise NotYet(f"{today} is still open")
    _begin_what_is_due(tx, day, now)
    counts = dict.fromkeys(events.COUNTED, 0) | outbox.count_of_day(tx, day, events.COUNTED)
    totals = payments.totals(tx, day)
    days.add_done(tx, day, events=counts, totals=totals)
    outbox.add(tx, events.day_done(day, counts=counts, totals=totals, now=now))
    business_day.open_day(tx, day + ONE_DAY, next_local_time)
    db.wake(tx, "jobs")


def _begin_what_is_due(tx: sa.Connection, day: date, now: datetime) -> None:
    due = payments.due_ids(tx, day, limit=LAST_WORK_MAX + 1)
    if len(due) > LAST_WORK_MAX:
        raise NotYet(f"more than {LAST_WORK_MAX} scheduled payments of {day} have not begun")
    lifecycle.activate_all(tx, due, day=day, now=now)
