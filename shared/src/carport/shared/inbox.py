"""The inbox: what has become of each event a service was given, one row for ever.

An event is claimed by its row in the transaction of its effect, so it takes effect at most once.
Retry, waiting and parked are states of this table, to be seen and mended with SQL and the command
line. ``delivery`` moves events through them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from carport.shared import telemetry
from carport.shared.db import SPINE, Day, Text, UtcDateTime, insert_if_absent, table, wake
from carport.shared.errors import NotYet, Unavailable
from carport.shared.events import Event
from carport.shared.rows import insert_all

ATTEMPTS_MAX = 5
ATTEMPT_S_MAX = 15
"""An attempt that is not over by then may be made by another worker too; the row decides."""
RETRY_S_BASE = 2
WAIT_S_MAX = 2
UNFINISHED = ("retry", "waiting")
PATIENT = (NotYet, Unavailable)
ERROR_CHARS_MAX = 500
BODY_CHARS_MAX = 64 * 1024
NO_HANDLER = "no handler for this type in this release"
NEVER_ENDED = "no attempt came to an end: it may kill the process"
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
WAITING = sa.and_(OPEN, inbox.c.state == "waiting")
WAKE = inbox.update().where(WAITING).values(next_attempt_at=sa.bindparam("now"))
WAKE_OF = WAKE.where(inbox.c.subject.in_(sa.bindparam("subjects", expanding=True)))
log = telemetry.logger("carport.inbox")


def claim(tx: sa.Connection, events: Sequence[Event], now: datetime) -> list[Event]:
    """Those of *events* that were never claimed before, now done if *tx* commits.

    They are claimed in one order, so that workers given copies of the same events do not wait for
    each other.
    """
    rows = [_row(event, now, state="done") for event in sorted(events, key=lambda each: each.id)]
    new = set(insert_all(tx, inbox, rows, _new).scalars()) if rows else ()
    return list({event.id: event for event in events if event.id in new}.values())


def _new(insert: Any) -> Any:
    return insert.on_conflict_do_nothing().returning(inbox.c.event_id)


def store(tx: sa.Connection, event: Event, body: str, now: datetime, *, attempts: int = 0) -> None:
    """Keep *event* to be handled later, unless it is known already."""
    row = _row(event, now, state="retry", body=body, attempts=attempts, next_attempt_at=now)
    insert_if_absent(tx, inbox, **row)


def begin(tx: sa.Connection, event_id: str, now: datetime, *, early: bool) -> str | None:
    """Count one more attempt before it is made (it may be the one that kills the process) and
    answer the event's body; None when there is nothing to do. *early*: though it is not due."""
    row = tx.execute(_locking(event_id, skip_locked=True)).mappings().one_or_none()
    if row is None or row["state"] not in UNFINISHED:
        return None
    if not (early or row["next_attempt_at"] <= now):
        return None
    if row["attempts"] >= ATTEMPTS_MAX:
        parked = _update(event_id).values(state="parked", next_attempt_at=None)
        tx.execute(parked.values(error=row["error"] or NEVER_ENDED))
        return None
    until = now + timedelta(seconds=ATTEMPT_S_MAX)
    begun = _update(event_id).values(attempts=row["attempts"] + 1, next_attempt_at=until)
    tx.execute(begun)
    body: str = row["body"]
    return body


def finish(tx: sa.Connection, event_id: str) -> None:
    """The event is done."""
    tx.execute(_update(event_id).values(state="done", body=None, next_attempt_at=None))


def set_aside(tx: sa.Connection, event_id: str, now: datetime, error: Exception) -> str:
    """Waiting for a predecessor, to be retried later and later, or parked; the state it is in."""
    row = lock(tx, event_id)
    if row["state"] not in UNFINISHED:
        return str(row["state"])
    following = _next_state(row, now, error)
    tx.execute(_update(event_id).values(following))
    return str(following["state"])


def lock(tx: sa.Connection, event_id: str) -> Any:
    """The row, which nobody else changes until *tx* ends."""
    return tx.execute(_locking(event_id)).mappings().one()


def park_unreadable(tx: sa.Connection, type_: str, body: str, now: datetime, reason: str) -> None:
    """Keep what is no event under the SHA-256 of its bytes."""
    raw = body.encode(errors="surrogateescape")
    row = {"event_id": hashlib.sha256(raw).hexdigest(), "source": "unknown", "subject": "unknown",
           "type": _readable(type_.encode(errors="surrogatepass")), "state": "parked",
           "body": _readable(raw)[:BODY_CHARS_MAX], "error": f"{reason} ({len(raw)} bytes)",
           "received_at": now}  # fmt: skip
    if insert_if_absent(tx, inbox, **row):
        log.warning("message parked", event_id=row["event_id"], event_type=type_, error=reason)


def due(tx: sa.Connection, now: datetime, limit: int, *, waiting: bool = False) -> list[str]:
    """The ids of events to try again now; with *waiting* also those that wait and are not due.

    Those that were tried least come first: one that kills the process does not take them along.
    """
    is_due = inbox.c.next_attempt_at <= now
    if waiting:
        is_due = sa.or_(is_due, inbox.c.state == "waiting")
    query = sa.select(inbox.c.event_id).where(OPEN, inbox.c.state.in_(UNFINISHED), is_due)
    first_come = (inbox.c.attempts, inbox.c.received_at)
    return list(tx.execute(query.order_by(*first_come).limit(limit)).scalars())


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


def wake_waiting(tx: sa.Connection, now: datetime, subjects: Collection[str] | None = None) -> None:
    """Events that wait, of *subjects* or all, are tried again as soon as *tx* has committed."""
    of = {} if subjects is None else {"subjects": sorted(subjects)}
    if tx.execute(WAKE_OF if of else WAKE, {"now": now, **of}).rowcount:
        wake(tx, "inbox")


def replay(tx: sa.Connection, event_id: str, now: datetime) -> bool:
    """Give a parked event its attempts back; False when it is not parked."""
    change = inbox.update().where(inbox.c.event_id == event_id, inbox.c.state == "parked")
    values = change.values(state="retry", attempts=0, next_attempt_at=now)
    wake(tx, "inbox")
    return tx.execute(values).rowcount == 1


def adopt(tx: sa.Connection, types: Collection[str], now: datetime) -> int:
    """Try again what was parked for want of a handler that a newer release now has."""
    orphans = inbox.update().where(
        OPEN, inbox.c.state == "parked", inbox.c.error == NO_HANDLER, inbox.c.type.in_(types)
    )
    return tx.execute(orphans.values(state="retry", attempts=0, next_attempt_at=now)).rowcount


def park(tx: sa.Connection, event: Event, body: str, now: datetime, reason: str) -> None:
    """Keep an event nobody here can handle."""
    insert_if_absent(tx, inbox, **_row(event, now, state="parked", body=body, error=reason))


def _readable(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace").replace("\0", "\\x00")


def _row(event: Event, now: datetime, **values: Any) -> dict[str, Any]:
    return {"event_id": event.id, "type": event.type, "source": event.source,
            "subject": event.subject, "businessdate": event.businessdate, "received_at": now,
            **values}  # fmt: skip


def _next_state(row: Any, now: datetime, error: Exception) -> dict[str, Any]:
    """The error's first line is kept: the others of a database error name the values it was
    given."""
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


def _locking(event_id: str, *, skip_locked: bool = False) -> sa.Select[Any]:
    query = sa.select(inbox).where(inbox.c.event_id == event_id)
    return query.with_for_update(skip_locked=skip_locked)


def _update(event_id: str) -> sa.Update:
    return inbox.update().where(inbox.c.event_id == event_id)
