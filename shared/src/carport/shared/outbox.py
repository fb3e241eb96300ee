"""The outbox: an event is a row, in the transaction of the change it tells of, before it is a
message. The relay claims unsent rows by their state (never by position), publishes them and marks
those that are safe. Sent rows stay, for replay and for `carport verify`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import sqlalchemy as sa

from carport.shared import failpoints, lease
from carport.shared.bus import Bus, Message
from carport.shared.db import SPINE, Day, Runtime, Text, UtcDateTime, auto_id, table, wake
from carport.shared.events import Event

BATCH = 200
RELAY = "relay"

outbox = table(
    "outbox",
    SPINE,
    auto_id(),
    sa.Column("event_id", Text, nullable=False, unique=True),
    sa.Column("type", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("businessdate", Day),
    sa.Column("body", Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", UtcDateTime),
    sa.Index("ix_outbox_unsent", "seq", sqlite_where=sa.text("sent_at IS NULL"),
             postgresql_where=sa.text("sent_at IS NULL")),
    sa.Index("ix_outbox_businessdate", "businessdate"),
)  # fmt: skip


def add(tx: sa.Connection, event: Event) -> None:
    """Say *event*, if and only if *tx* commits."""
    tx.execute(
        outbox.insert().values(
            event_id=event.id,
            type=event.type,
            subject=event.subject,
            businessdate=event.businessdate,
            body=event.to_json(),
            created_at=event.time,
        )
    )
    wake(tx, RELAY)


def count_of_day(tx: sa.Connection, day: date, types: Collection[str]) -> dict[str, int]:
    """How many events of each of *types* carry business date *day*; types without any are left
    out."""
    query = (
        sa.select(outbox.c.type, sa.func.count())
        .where(outbox.c.businessdate == day, outbox.c.type.in_(types))
        .group_by(outbox.c.type)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def relay_once(runtime: Runtime, bus: Bus, token: str) -> int:
    """Publish one batch of unsent events; how many were marked sent.

    Nothing happens while another token holds the relay's lease.
    """
    claimed = _claim(runtime, token)
    if not claimed:
        return 0
    failpoints.hit("relay.after_claim")
    safe = bus.publish(claimed)
    failpoints.hit("relay.after_publish")
    return _mark(runtime, safe, token)


def _claim(runtime: Runtime, token: str) -> list[Message]:
    with runtime.reading() as tx:
        if tx.execute(_unsent().limit(1)).first() is None:
            return []
    with runtime.transaction() as tx:
        if not lease.take(tx, RELAY, token, runtime.clock()):
            return []
        rows = tx.execute(_unsent().limit(BATCH)).all()
        ids = [row.event_id for row in rows]
        begun = outbox.update().where(outbox.c.event_id.in_(ids))
        tx.execute(begun.values(attempts=outbox.c.attempts + 1))
    return [Message(row.event_id, row.type, row.body, row.attempts > 0) for row in rows]


def _unsent() -> sa.Select[tuple[str, str, str, int]]:
    columns = (outbox.c.event_id, outbox.c.type, outbox.c.body, outbox.c.attempts)
    return sa.select(*columns).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.seq)


def _mark(runtime: Runtime, safe: Collection[str], token: str) -> int:
    if not safe:
        return 0
    mark = outbox.update().where(
        outbox.c.event_id.in_(safe), outbox.c.sent_at.is_(None), lease.held(RELAY, token)
    )
    with runtime.transaction() as tx:
        return tx.execute(mark.values(sent_at=runtime.clock())).rowcount


def oldest_unsent(tx: sa.Connection) -> datetime | None:
    """When the oldest unsent event was written; None when all are sent."""
    return tx.execute(
        sa.select(sa.func.min(outbox.c.created_at)).where(outbox.c.sent_at.is_(None))
    ).scalar()
