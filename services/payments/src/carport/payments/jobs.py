"""Work of a business day that needs no message: scheduled payments begin, files go out, money
settles and clears.

Each job lists the payments that are due and works through them in pieces; a piece is known by the
first payment in it. Dates that are stored follow from the payment and the bank's calendar, not
from the moment the job runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from carport.payments.commands import bank, lifecycle
from carport.payments.providers import installation
from carport.payments.repo import payments
from carport.shared import business_day
from carport.shared.business_day import BusinessDay
from carport.shared.service import Chunk, Job

BATCH = 100
LISTED_MAX = 1000

Due = Callable[..., Sequence[str]]  # (tx, day, *, first, limit) -> ids
Step = Callable[..., object]  # (tx, payment_id, *, day, now)
Steps = Callable[..., object]  # (tx, ids, *, day, now)


def to_begin(tx: sa.Connection, day: BusinessDay, *, first: str, limit: int) -> Sequence[str]:
    """Scheduled payments whose calendar date is open."""
    return payments.due_ids(tx, day.date, first=first, limit=limit)


def chunks(due: Due, tx: sa.Connection, now: datetime) -> list[Chunk]:
    """The pieces that are due now."""
    if not business_day.is_open(tx):
        return []
    day = installation.standing(tx, business_day.get(tx), now)
    ids = due(tx, day, first="", limit=LISTED_MAX)
    return [(day.date, first) for first in ids[::BATCH]]


def run(due: Due, steps: Steps, tx: sa.Connection, first: str, now: datetime) -> None:
    """One piece: up to ``BATCH`` payments from id *first* on."""
    day = installation.standing(tx, business_day.hold(tx), now)
    steps(tx, due(tx, day, first=first, limit=BATCH), day=day.date, now=now)


def each(step: Step) -> Steps:
    """Take *step* with one payment after the other."""

    def steps(tx: sa.Connection, ids: Sequence[str], **when: Any) -> None:
        for payment_id in ids:
            step(tx, payment_id, **when)

    return steps


def job(due: Due, steps: Steps) -> Job:
    """A job that takes *steps* with the payments that are *due*."""
    return Job(partial(chunks, due), partial(run, due, steps))


JOBS = {
    "begin_scheduled": job(to_begin, lifecycle.activate_all),
    "send_to_bank": job(bank.to_submit, each(bank.submit)),
    "settle": job(bank.to_settle, each(bank.settle)),
    "clear": job(bank.to_clear, each(bank.clear)),
}
