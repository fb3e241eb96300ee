"""The inbox: each event is claimed and handled in one transaction, at most once per service.

A handler that fails is rolled back and the event stored with its error: retry, waiting and parked
are states of this table, to be seen and mended with SQL and the command line. ``NotYet`` is
waiting for a predecessor, ``Unavailable`` for a busy database or the first day: neither is a
failure, and neither is ever parked.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from carport.shared import failpoints, telemetry
from carport.shared.bus import Message
from carport.shared.db import SPINE, Day, Runtime, Text, UtcDateTime, insert_if_absent, table, wake
from carport.shared.errors import MalformedEvent, NotYet, Unavailable
from carport.shared.events import Event

ATTEMPTS_MAX = 5
RETRY_S_BASE = 2
WAIT_S_MAX = 2
BATCH = 100
UNFINISHED = ("retry", "waiting")
PATIENT = (NotYet, Unavailable)
ERROR_CHARS_MAX = 500
OPEN = sa.text("state <> 'done'")
"""The condition of ``ix_inbox_due``, word for word: SQLite uses the index for nothing else, and
without it every event would read the whole table."""

inbox = table(
    "inbox",
    SPINE,
    sa.Column("event_id", Text, primary_key=True),
    sa.Column("type", Text, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("businessdate", Day),
    sa.Column("state", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("body", Text),
    sa.Column("error", Text),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime),
    sa.CheckConstraint("state IN ('done', 'retry', 'waiting', 'parked')", name="state"),
    sa.Index("ix_inbox_due", "next_attempt_at", sqlite_where=OPEN, postgresql_where=OPEN),
    sa.Index("ix_inbox_businessdate", "businessdate", "source"),
)  # fmt: skip
log = telemetry.logger("carport.inbox")


def deliver(runtime: Runtime, message: Message) -> None:
    """Handle *message* once; on return the service has committed it, as done or to be retried.

    Raises only when the service's own database cannot commit.
    """
    try:
        event = Event.from_json(message.body)
    except MalformedEvent as error:
        _park_unreadable(runtime, message, error)
        return
    if message.redelivered:
        _store(runtime, event, message.body)
        _retry(runtime, event.id)
        return
    try:
        _claim_and_handle(runtime, event)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - here a handler's failure becomes a row
        _store(runtime, event, message.body, attempts=1)
        _set_aside(runtime, event, error)


def retry_once(runtime: Runtime, *, waiting: bool = False) -> int:
    """Try due events again, each in its own transaction; how many are done now.

    With *waiting*, also those that wait for a predecessor and are not due yet.
    """
    return sum(_retry(runtime, event_id) for event_id in _due(runtime, waiting))


def count_of_day(tx: sa.Connection, source: str, day: date) -> dict[str, int]:
    """How many events of each type of *source* and business date *day* are done."""
    query = (
        sa.select(inbox.c.type, sa.func.count())
        .where(inbox.c.businessdate == day, inbox.c.source == source, inbox.c.state == "done")
        .group_by(inbox.c.type)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def unfinished(tx: sa.Connection, *, state: str | None = None) -> list[dict[str, Any]]:
    """Events that are not done, oldest first, without their bodies."""
    shown = (c for c in inbox.c if c.name != "body")
    query = sa.select(*shown).where(OPEN).order_by(inbox.c.received_at)
    if state:
        query = query.where(inbox.c.state == state)
    return [dict(row) for row in tx.execute(query).mappings()]


def wake_waiting(tx: sa.Connection, now: datetime, subject: str | None = None) -> None:
    """Events that wait, of *subject* or all, are tried again as soon as *tx* has committed."""
    change = inbox.update().where(OPEN, inbox.c.state == "waiting")
    if subject is not None:
        change = change.where(inbox.c.subject == subject)
    if tx.execute(change.values(next_attempt_at=now)).rowcount:
        wake(tx, "inbox")


def replay(tx: sa.Connection, event_id: str, now: datetime) -> bool:
    """Give a parked event its attempts back; False when it is not parked."""
    change = inbox.update().where(inbox.c.event_id == event_id, inbox.c.state == "parked")
    values = change.values(state="retry", attempts=0, next_attempt_at=now)
    wake(tx, "inbox")
    return tx.execute(values).rowcount == 1


def _row(event: Event, now: datetime, **values: Any) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "businessdate": event.businessdate,
        "received_at": now,
        **values,
    }


def _claim_and_handle(runtime: Runtime, event: Event) -> None:
    now = runtime.clock()
    with telemetry.handling(event, runtime.service.name), runtime.transaction() as tx:
        if insert_if_absent(tx, inbox, **_row(event, now, state="done")):
            _handle(runtime, tx, event, now)
            failpoints.hit("consumer.before_commit")
    failpoints.hit("consumer.after_commit")


def _handle(runtime: Runtime, tx: sa.Connection, event: Event, now: datetime) -> None:
    runtime.service.handlers[event.type](tx, event, now)
    wake_waiting(tx, now, event.subject)
    log.info("event handled", event_id=event.id, event_type=event.type, subject=event.subject)


def _store(runtime: Runtime, event: Event, body: str, *, attempts: int = 0) -> None:
    now = runtime.clock()
    row = _row(event, now, state="retry", body=body, attempts=attempts, next_attempt_at=now)
    with runtime.transaction() as tx:
        insert_if_absent(tx, inbox, **row)


def _retry(runtime: Runtime, event_id: str) -> bool:
    """One more attempt, counted before it begins: it may be the one that kills the process."""
    with runtime.transaction() as tx:
        body = _begin(tx, event_id)
    if body is None:
        return False
    event = Event.from_json(body)
    try:
        with telemetry.handling(event, runtime.service.name), runtime.transaction() as tx:
            if _lock(tx, event_id)["state"] not in UNFINISHED:
                return False
            _handle(runtime, tx, event, runtime.clock())
            tx.execute(_update(event_id).values(state="done", body=None, next_attempt_at=None))
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - as in deliver
        _set_aside(runtime, event, error)
        return False
    return True


def _begin(tx: sa.Connection, event_id: str) -> str | None:
    row = _lock(tx, event_id)
    if row["state"] not in UNFINISHED:
        return None
    if row["attempts"] >= ATTEMPTS_MAX:
        tx.execute(_update(event_id).values(state="parked"))
        return None
    tx.execute(_update(event_id).values(attempts=row["attempts"] + 1))
    body: str = row["body"]
    return body


def _set_aside(runtime: Runtime, event: Event, error: Exception) -> None:
    """Waiting for a predecessor, to be retried later and later, or parked."""
    with runtime.transaction() as tx:
        row = _lock(tx, event.id)
        if row["state"] in UNFINISHED:
            tx.execute(_update(event.id).values(_next_state(row, runtime.clock(), error)))


def _next_state(row: Any, now: datetime, error: Exception) -> dict[str, Any]:
    # The first line: the others of a database error name the values it was given.
    reason = f"{type(error).__name__}: {error}".partition("\n")[0][:ERROR_CHARS_MAX]
    if isinstance(error, PATIENT):
        next_at = now + timedelta(seconds=WAIT_S_MAX)
        return {"state": "waiting", "attempts": 0, "error": reason, "next_attempt_at": next_at}
    attempts = row["attempts"]
    state = "parked" if attempts >= ATTEMPTS_MAX else "retry"
    log.warning("event failed", event_id=row["event_id"], event_type=row["type"],
                attempts=attempts, state=state, error=reason)  # fmt: skip
    next_at = now + timedelta(seconds=RETRY_S_BASE**attempts)
    return {"state": state, "error": reason, "next_attempt_at": next_at}


def _park_unreadable(runtime: Runtime, message: Message, error: MalformedEvent) -> None:
    digest = hashlib.sha256(message.body.encode("utf-8", "replace")).hexdigest()
    with runtime.transaction() as tx:
        insert_if_absent(
            tx,
            inbox,
            event_id=digest,
            type=message.type,
            source="unknown",
            subject="unknown",
            state="parked",
            body=message.body,
            error=str(error),
            received_at=runtime.clock(),
        )


def _due(runtime: Runtime, waiting: bool) -> list[str]:
    is_due = inbox.c.next_attempt_at <= runtime.clock()
    if waiting:
        is_due = sa.or_(is_due, inbox.c.state == "waiting")
    query = sa.select(inbox.c.event_id).where(OPEN, inbox.c.state.in_(UNFINISHED), is_due)
    with runtime.reading() as tx:
        return list(tx.execute(query.order_by(inbox.c.received_at).limit(BATCH)).scalars())


def _lock(tx: sa.Connection, event_id: str) -> Any:
    query = sa.select(inbox).where(inbox.c.event_id == event_id).with_for_update()
    return tx.execute(query).mappings().one()


def _update(event_id: str) -> sa.Update:
    return inbox.update().where(inbox.c.event_id == event_id)
