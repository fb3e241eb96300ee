"""What is counted against guessing and flooding; in the database, so over all replicas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from carport.auth import tables
from carport.shared.db import insert_if_absent

ANY_DEVICE = ""
DEVICE_FORGOTTEN_AFTER = timedelta(days=180)

Row = sa.Row[Any]


def lock_guard(tx: sa.Connection, subject: str, *, device: str, now: datetime) -> Row:
    """The count that a try from *device* goes to, locked: its own when it has logged in before,
    else the one all other devices share."""
    insert_if_absent(
        tx, tables.login_guard, subject=subject, device=ANY_DEVICE, failures=0, last_try_at=now
    )
    query = (
        sa.select(tables.login_guard)
        .where(
            tables.login_guard.c.subject == subject,
            tables.login_guard.c.device.in_((device, ANY_DEVICE)),
        )
        .order_by(tables.login_guard.c.device.desc())
        .limit(1)
    )
    return tx.execute(query.with_for_update()).one()


def store_guard(
    tx: sa.Connection, guard: Row, *, failures: int, blocked_until: datetime | None, now: datetime
) -> None:
    """Store a count. It is written after every try, so that every try takes as long."""
    mine = sa.and_(
        tables.login_guard.c.subject == guard.subject, tables.login_guard.c.device == guard.device
    )
    values = {"failures": failures, "blocked_until": blocked_until, "last_try_at": now}
    tx.execute(tables.login_guard.update().where(mine).values(values))


def know_device(tx: sa.Connection, subject: str, *, device: str, now: datetime) -> None:
    """From now on the device has its own count."""
    if device != ANY_DEVICE:
        insert_if_absent(
            tx, tables.login_guard, subject=subject, device=device, failures=0, last_try_at=now
        )


def clear_guards(tx: sa.Connection, subject: str) -> None:
    """Start counting anew: somebody proved to be the owner another way."""
    mine = tables.login_guard.c.subject == subject
    tx.execute(tables.login_guard.update().where(mine).values(failures=0, blocked_until=None))


def take_quota(
    tx: sa.Connection, kind: str, subject: str, *, allowed: int, window: timedelta, now: datetime
) -> bool:
    """Count one more of *kind* for *subject*; False when that is more than *allowed* in this
    window. Windows start at multiples of their length."""
    length_s = int(window.total_seconds())
    start = datetime.fromtimestamp(int(now.timestamp()) // length_s * length_s, UTC)
    key = {"kind": kind, "subject": subject, "window_start": start}
    insert_if_absent(tx, tables.quota, **key, used=0)
    counted = tables.quota.update().filter_by(**key).values(used=tables.quota.c.used + 1)
    used = tx.execute(counted.returning(tables.quota.c.used)).scalar_one()
    return used <= allowed


def drop_stale(tx: sa.Connection, *, now: datetime) -> None:
    """Forget windows of two days ago and devices that have not been seen for half a year."""
    tx.execute(tables.quota.delete().where(tables.quota.c.window_start < now - timedelta(days=2)))
    unseen = tables.login_guard.c.last_try_at < now - DEVICE_FORGOTTEN_AFTER
    tx.execute(tables.login_guard.delete().where(unseen, tables.login_guard.c.device != ANY_DEVICE))
