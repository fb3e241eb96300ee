"""Once per ``Idempotency-Key``: the first answer is stored in the transaction of the work.

Stored are answers of 2xx and the business refusals 404, 409 and 410, whose partial work has been
rolled back; anything else rolls the claim back too, so that a corrected request may use the key.
A second request of the same key waits for the first, at most two seconds.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from carport.shared import failpoints
from carport.shared.db import SPINE, Runtime, Text, UtcDateTime, insert_if_absent, table
from carport.shared.errors import Conflict, Invalid
from carport.shared.retry import LOCK_TIMEOUT, sqlstate

WAIT_S_MAX = 2
KEY_LENGTH_MAX = 255
STORED_REFUSALS = frozenset({404, 409, 410})

idempotency_key = table(
    "idempotency_key",
    SPINE,
    sa.Column("client", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("operation", Text, nullable=False),
    sa.Column("content_hash", Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("body", Text),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True)
class Request:
    """What a key is bound to: who sent it, which operation, which content."""

    client: str
    key: str
    operation: str
    content_hash: str


@dataclass(frozen=True)
class Answer:
    """A status and the exact text of the body."""

    status: int
    body: str
    is_replayed: bool = False


Work = Callable[[sa.Connection], Answer]
Refusal = Callable[[Exception], Answer]


def content_hash(content: Any) -> str:
    """SHA-256 of *content*, the same whatever the order of its members."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class InFlight:
    """The keys being worked on in this process, so that a second request waits for the first
    without a database connection, and not for every other writer of an embedded database."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, request: Request) -> Iterator[None]:
        """Be the only one that works on this key. Raises Conflict after two seconds."""
        name = (request.client, request.key)
        with self._changed:
            if not self._changed.wait_for(lambda: name not in self._keys, WAIT_S_MAX):
                raise in_progress()
            self._keys.add(name)
        try:
            yield
        finally:
            with self._changed:
                self._keys.discard(name)
                self._changed.notify_all()


def once(
    runtime: Runtime, in_flight: InFlight, request: Request, work: Work, refuse: Refusal
) -> Answer:
    """The answer of *work*, done now or stored before; one transaction.

    *refuse* turns a failure into its answer. Raises Invalid for a key that was used for something
    else, Conflict while another process works on it, and whatever *work* raises that is not stored.
    """
    with in_flight.turn(request), runtime.transaction() as tx:
        if not claim(tx, request, runtime.clock()):
            return stored(tx, request)
        failpoints.hit("idempotency.after_claim")
        savepoint = tx.begin_nested()
        try:
            answer = work(tx)
        except Exception as error:
            savepoint.rollback()
            answer = refuse(error)
            if answer.status not in STORED_REFUSALS:
                raise
        else:
            savepoint.commit()
        values = {"status": answer.status, "body": answer.body}
        tx.execute(idempotency_key.update().where(*mine(request)).values(values))
        failpoints.hit("idempotency.before_commit")
    failpoints.hit("idempotency.after_commit")
    return answer


def claim(tx: sa.Connection, request: Request, now: datetime) -> bool:
    """Whether this transaction is the first with the key. Raises Conflict while another is."""
    is_postgresql = tx.dialect.name == "postgresql"
    if is_postgresql:
        tx.execute(sa.text(f"SET LOCAL lock_timeout = '{WAIT_S_MAX}s'"))
    try:
        claimed = insert_if_absent(tx, idempotency_key, **vars(request), created_at=now)
    except OperationalError as error:
        if sqlstate(error) == LOCK_TIMEOUT:
            raise in_progress() from error
        raise
    if is_postgresql:
        tx.execute(sa.text("SET LOCAL lock_timeout = DEFAULT"))
    return claimed


def stored(tx: sa.Connection, request: Request) -> Answer:
    """The answer kept for the key. Raises Invalid when it belongs to another request."""
    row = tx.execute(sa.select(idempotency_key).where(*mine(request))).one()
    if (row.operation, row.content_hash) != (request.operation, request.content_hash):
        raise Invalid(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Nothing was changed; "
            "send a new key with a new request.",
        )
    if row.status is None:
        raise in_progress()
    return Answer(row.status, row.body, is_replayed=True)


def mine(request: Request) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition that a row is *request*'s."""
    return (idempotency_key.c.client == request.client, idempotency_key.c.key == request.key)


def in_progress() -> Conflict:
    """The first request with the key has not answered yet."""
    return Conflict(
        "idempotency_in_progress",
        "The first request with this Idempotency-Key is still being worked on. "
        "Send the same request again in a second to get its answer.",
        headers={"Retry-After": "1"},
    )
