"""The outbox: an event is a row, in the transaction of the change it tells of, before it is a
message. The relay claims unsent rows by their state (never by position), publishes them and marks
those that are safe. Sent rows stay, for replay and for `carport verify`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import date, datetime
from time import monotonic
from typing import Any

import sqlalchemy as sa

from carport.shared import failpoints, lease, metrics, telemetry
from carport.shared.bus import Bus, BusAway, Message
from carport.shared.db import SPINE, Day, Runtime, Text, UtcDateTime, among, auto_id, table, wake
from carport.shared.events import Event
from carport.shared.rows import insert_all

BATCH = 1_000
PASS_S_MAX = 2.0
RELAY = "relay"
Claimed = Sequence[sa.Row[Any]]

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


def add(tx: sa.Connection, *events: Event) -> None:
    """Say *events*, if and only if *tx* commits."""
    if events:
        insert_all(tx, outbox, [_row(event) for event in events])
        wake(tx, RELAY)


def _row(event: Event) -> dict[str, Any]:
    return {"event_id": event.id, "type": event.type, "subject": event.subject,
            "businessdate": event.businessdate, "body": event.to_json(),
            "created_at": event.time}  # fmt: skip


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
    """Publish unsent events, a backlog batch after batch; how many were marked sent.

    Nothing happens while another token holds the relay's lease.
    """
    claimed = _claim(runtime, token, count=bus.handles_here)
    if not claimed:
        return 0
    if bus.handles_here or len(claimed) < BATCH:
        return _mark(runtime, _send(runtime, bus, claimed), token)
    with ThreadPoolExecutor(1, "relay") as sender:
        return _relay_backlog(runtime, bus, token, claimed, sender)


def _relay_backlog(
    runtime: Runtime, bus: Bus, token: str, claimed: Claimed, sender: Executor
) -> int:
    """While one batch is on its way, the one before is marked and the next read, so that database
    and broker work at once. What the broker does not take holds up nothing behind it. It ends soon:
    rows committed late are before where it has got to."""
    until = monotonic() + PASS_S_MAX
    done, tried, sending = 0, False, sender.submit(_send, runtime, bus, claimed)
    while claimed:
        following = _claim(runtime, token, beyond=claimed[-1].seq) if monotonic() < until else []
        try:
            sent = sending.result()
        except BusAway:
            if tried:
                break
            raise
        tried, claimed = True, following
        if claimed:
            sending = sender.submit(_send, runtime, bus, claimed)
        done += _mark(runtime, sent, token)
    return done


def _send(runtime: Runtime, bus: Bus, claimed: Claimed) -> Claimed:
    """Those of *claimed* that are safe."""
    failpoints.hit("relay.after_claim")
    messages = [Message(r.event_id, r.type, r.body, r.attempts > 0, r.created_at) for r in claimed]
    safe = bus.publish(messages)
    failpoints.hit("relay.after_publish")
    _tell(runtime, [message for message in messages if message.id in safe])
    return [row for row in claimed if row.event_id in safe]


def _claim(runtime: Runtime, token: str, *, count: bool = False, beyond: int = 0) -> Claimed:
    """Unsent rows, oldest first, for the holder of the lease; with *count*, as one more attempt.

    *beyond* leaves out what is being published in this pass. It is no position: every pass starts
    again from the first row that is not sent, whenever that was committed.
    """
    now = runtime.clock()
    fresh = lease.fresh(RELAY, token, now).label("is_fresh")
    look = _unsent(beyond).add_columns(fresh).where(~lease.taken(RELAY, token, now))
    with runtime.reading(apart=True) as tx:
        rows = tx.execute(look).all()
    if not rows or (rows[0].is_fresh and not count):
        return rows
    with runtime.transaction() as tx:
        if not lease.take(tx, RELAY, token, now):
            return []
        rows = tx.execute(_unsent(beyond)).all()
        if count:
            begun = outbox.update().where(among(tx, outbox.c.seq, [row.seq for row in rows]))
            tx.execute(begun.values(attempts=outbox.c.attempts + 1))
    return rows


def _unsent(beyond: int) -> sa.Select[Any]:
    o, unsent = outbox.c, (outbox.c.sent_at.is_(None), outbox.c.seq > beyond)
    told = sa.select(o.seq, o.event_id, o.type, o.body, o.attempts, o.created_at)
    return told.where(*unsent).order_by(o.seq).limit(BATCH)


def _tell(runtime: Runtime, safe: Sequence[Message]) -> None:
    unit, now = runtime.service.name, runtime.clock()
    lags = [(now - message.since).total_seconds() for message in safe if message.since]
    metrics.count("carport_relay_messages_total", unit, "confirmed", by=len(safe))
    metrics.observe("carport_relay_lag_seconds", lags, unit)
    telemetry.relayed(unit, safe)


def _mark(runtime: Runtime, sent: Claimed, token: str) -> int:
    if not sent:
        return 0
    with runtime.transaction() as tx:
        mark = outbox.update().where(
            among(tx, outbox.c.seq, [row.seq for row in sent]),
            outbox.c.sent_at.is_(None),
            lease.held(RELAY, token),
        )
        return tx.execute(mark.values(sent_at=runtime.clock())).rowcount


def oldest_unsent(tx: sa.Connection) -> datetime | None:
    """When the oldest unsent event was written; None when all are sent."""
    oldest = sa.select(sa.func.min(outbox.c.created_at)).where(outbox.c.sent_at.is_(None))
    return tx.execute(oldest).scalar()
