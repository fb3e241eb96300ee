"""Work of accounts that nobody asks for: closing days, one step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from carport.accounts.commands import day
from carport.shared.service import Chunk, Job


def chunks(tx: sa.Connection, now: datetime) -> Sequence[Chunk]:
    """The next step of the close, if there is one."""
    step = day.next_step(tx, now)
    return [] if step is None else [step]


def run(tx: sa.Connection, _key: str, now: datetime) -> None:
    """Take that step."""
    day.take_step(tx, now)


JOBS = {"close_day": Job(chunks, run)}
