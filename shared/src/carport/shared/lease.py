"""Fenced leases: at most one relay and one job runner of a service act at a time.

A lease alone does not stop a process that was paused and woke up late; every write such a process
makes is therefore conditional on the token it was given (``reliability`` trap 8).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from carport.shared.db import SPINE, Text, UtcDateTime, insert_if_absent, table

LEASE_S = 15

lease = table(
    "lease",
    SPINE,
    sa.Column("name", Text, primary_key=True),
    sa.Column("token", Text, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)


def take(tx: sa.Connection, name: str, token: str, now: datetime) -> bool:
    """Take or renew the lease *name* for *token*; False while another token holds it."""
    until = now + timedelta(seconds=LEASE_S)
    if insert_if_absent(tx, lease, name=name, token=token, expires_at=until):
        return True
    mine_or_over = sa.or_(lease.c.token == token, lease.c.expires_at < now)
    change = lease.update().where(lease.c.name == name, mine_or_over)
    return tx.execute(change.values(token=token, expires_at=until)).rowcount == 1


def taken(name: str, token: str, now: datetime) -> sa.Exists:
    """The condition that another than *token* holds the lease *name*: asked before ``take``, so
    that those who stand by write nothing."""
    other = (lease.c.token != token, lease.c.expires_at >= now)
    return sa.exists().where(lease.c.name == name, *other)


def fresh(name: str, token: str, now: datetime) -> sa.Exists:
    """The condition that *token* holds the lease *name* and need not renew it yet."""
    return held(name, token).where(lease.c.expires_at > now + timedelta(seconds=LEASE_S / 2))


def release(tx: sa.Connection, token: str) -> None:
    """Give back what *token* holds, so that another takes over at once."""
    tx.execute(lease.delete().where(lease.c.token == token))


def seize(tx: sa.Connection, name: str, token: str, now: datetime) -> None:
    """Take the lease whoever holds it: for the one process that owns its database file."""
    tx.execute(lease.delete().where(lease.c.name == name))
    take(tx, name, token, now)


def held(name: str, token: str) -> sa.Exists:
    """The condition that *token* still holds the lease *name*, to fence a write with."""
    return sa.exists().where(lease.c.name == name, lease.c.token == token)
