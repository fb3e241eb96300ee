"""Work of a day: forgetting what is over, so that nothing grows without bound."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from carport.auth.repo import counters, links, sessions
from carport.shared.service import Chunk, Job

KEPT = timedelta(days=90)
"""Sessions, for the list of what happened; links go after a day."""
SESSIONS_A_CHUNK_MAX = 5_000
CHUNKS_A_DAY = 20


def chunks(tx: sa.Connection, now: datetime) -> list[Chunk]:
    """Pieces of today's clearing."""
    return [(now.date(), f"{number:02d}") for number in range(CHUNKS_A_DAY)]


def run(tx: sa.Connection, key: str, now: datetime) -> None:
    """Forget a piece of what is over."""
    sessions.drop_stale(tx, before=now - KEPT, batch=SESSIONS_A_CHUNK_MAX)
    if key == "00":
        links.drop_stale(tx, before=now - timedelta(days=1))
        counters.drop_stale(tx, now=now)


JOBS = {"forget": Job(chunks, run)}
