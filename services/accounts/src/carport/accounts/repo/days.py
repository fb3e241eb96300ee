"""The saga of each day's close, where the clock is to go, and the anchors of closed days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa

from carport.accounts.tables import anchor, chain, clock_target, day_close, journal
from carport.shared.db import insert_if_absent

LAST_STEP = sa.select(day_close.c.step).order_by(day_close.c.date.desc()).limit(1)


def lock(tx: sa.Connection, day: date) -> dict[str, Any] | None:
    """The saga of *day*, locked; None before its end was announced."""
    query = sa.select(day_close).where(day_close.c.date == day).with_for_update()
    row = tx.execute(query).mappings().first()
    return None if row is None else dict(row)


def find(tx: sa.Connection, day: date) -> dict[str, Any] | None:
    """The saga of *day*, not locked."""
    row = tx.execute(sa.select(day_close).where(day_close.c.date == day)).mappings().first()
    return None if row is None else dict(row)


def is_ending(tx: sa.Connection) -> bool:
    """Whether a day has begun to end and is not closed yet."""
    return tx.execute(LAST_STEP).scalar() not in (None, "done")


def begin(tx: sa.Connection, day: date, next_local_time: time, now: datetime) -> None:
    """Keep that the end of *day* was announced."""
    values = {"step": "ending", "steps": 1, "contracts": 0, "started_at": now}
    text = next_local_time.isoformat("minutes")
    tx.execute(day_close.insert().values(date=day, next_local_time=text, **values))


def update(tx: sa.Connection, day: date, **values: Any) -> None:
    """Set columns of the saga of *day*."""
    tx.execute(day_close.update().where(day_close.c.date == day).values(values))


def target(tx: sa.Connection) -> tuple[date, time] | None:
    """The day and local time the sandbox's clock was told to go to."""
    row = tx.execute(sa.select(clock_target)).mappings().first()
    return None if row is None else (row["date"], time.fromisoformat(row["local_time"]))


def set_target(tx: sa.Connection, day: date, local_time: time) -> None:
    """Remember where the clock is to go, so that a killed process goes on."""
    values = {"date": day, "local_time": local_time.isoformat("minutes")}
    if not insert_if_absent(tx, clock_target, id=1, **values):
        tx.execute(clock_target.update().values(values))


def add_anchor(tx: sa.Connection, day: date) -> tuple[int, str]:
    """Keep the anchor of *day*: the number of chains in it and their SHA-256."""
    lines = ends(tx, day)
    values = {"contracts": len(lines), "sha256": anchor_of(lines)}
    tx.execute(anchor.insert().values(date=day, **values))
    return values["contracts"], values["sha256"]


def anchor_of(lines: Iterable[tuple[str, int, str]]) -> str:
    """SHA-256 over the sorted lines ``contract,journals,head``."""
    text = "\n".join(sorted(f"{name},{length},{head}" for name, length, head in lines))
    return hashlib.sha256(text.encode()).hexdigest()


def ends(tx: sa.Connection, day: date) -> list[tuple[str, int, str]]:
    """Of each chain: its name, how many journals are booked on *day* or before, the last's hash."""
    found: list[tuple[str, int, str]] = []
    for row in tx.execute(sa.select(chain)):
        if row.booked_on <= day:
            found.append((row.name, row.length, row.head))
            continue
        earlier = (
            sa.select(journal.c.seq, journal.c.hash)
            .where(journal.c.chain == row.name, journal.c.booked_on <= day)
            .order_by(journal.c.seq.desc())
            .limit(1)
        )
        last = tx.execute(earlier).first()
        if last is not None:
            found.append((row.name, last.seq, last.hash))
    return found
