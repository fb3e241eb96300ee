"""Events on their way through the inbox: each claimed and handled in one transaction.

A handler that fails is rolled back and its event stored with the error, to be tried again.
``NotYet`` is waiting for a predecessor, ``Unavailable`` for a busy database or the first day:
neither is a failure, and neither is ever parked. Only an error that says the service's own database
is away leaves these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from time import perf_counter
from typing import TypeVar

import sqlalchemy as sa

from carport.shared import failpoints, inbox, metrics, retry, telemetry
from carport.shared.bus import Message
from carport.shared.db import Runtime, wake
from carport.shared.errors import MalformedEvent
from carport.shared.events import Event
from carport.shared.service import Batched

RETRIES_MAX = 100
OUTCOMES = {"retry": "failed"}
"""What an inbox state is called in the metrics, where it differs."""
Result = TypeVar("Result")
Told = Callable[[int], None]
Way = Callable[[Runtime, list[Message], Told], None]
log = telemetry.logger("carport.delivery")


def deliver(runtime: Runtime, message: Message) -> None:
    """Handle *message* once; on return the service has committed it, as done or to be retried.

    One that comes again may have killed the process: its attempt is counted before it is made.
    """
    event = read(runtime, message)
    if event is None:
        return
    if message.redelivered:
        _commit(runtime, lambda tx: inbox.store(tx, event, message.body, runtime.clock()))
        _attempt(runtime, event.id, early=True)
        return
    began = perf_counter()
    try:
        with telemetry.handling(event, runtime.service.name):
            new = _commit(runtime, lambda tx: _claim_and_handle(runtime, tx, [event]))
    except Exception as error:
        if retry.is_away(error):
            raise
        reason = error
        state = _commit(runtime, lambda tx: _fail(runtime, tx, event, message.body, reason))
        _tell(runtime, [event], state, began)
    else:
        _tell(runtime, new, "done", began)
    failpoints.hit("consumer.after_commit")


def deliver_many(
    runtime: Runtime, messages: Sequence[Message], committed: Told = lambda number: None
) -> None:
    """As ``deliver`` for each; neighbours of types that commute share a transaction, and so do
    those of earlier attempts, which are only stored: one of them may have killed the process.

    *committed* is told how many more are safe, after each commit.
    """
    for deliver_run, run in groupby(messages, lambda message: _way_of(runtime, message)):
        if deliver_run is None:
            for message in run:
                deliver(runtime, message)
                committed(1)
        else:
            deliver_run(runtime, list(run), committed)


def retry_once(runtime: Runtime, *, waiting: bool = False) -> int:
    """Try due events again, each in its own transaction; how many are done now.

    With *waiting*, also those that wait for a predecessor and are not due yet.
    """
    with runtime.reading(apart=True) as tx:
        ids = inbox.due(tx, runtime.clock(), RETRIES_MAX, waiting=waiting)
    return sum(_attempt(runtime, event_id, early=waiting) for event_id in ids)


def read(runtime: Runtime, message: Message) -> Event | None:
    """The event in *message*; None when it is parked because nobody here can handle it."""
    now = runtime.clock()
    try:
        event = Event.from_json(message.body)
    except MalformedEvent as error:
        reason = str(error)
        _commit(
            runtime, lambda tx: inbox.park_unreadable(tx, message.type, message.body, now, reason)
        )
        return None
    if event.type not in runtime.service.handlers:
        reason = inbox.NO_HANDLER
        _commit(runtime, lambda tx: inbox.park(tx, event, message.body, now, reason))
        return None
    return event


def _way_of(runtime: Runtime, message: Message) -> Way | None:
    if message.redelivered:
        return _keep
    is_batched = isinstance(runtime.service.handlers.get(message.type), Batched)
    return _deliver_batch if is_batched else None


def _keep(runtime: Runtime, messages: list[Message], committed: Told) -> None:
    """Store *messages*, for `retry_once` to try each alone and to count its attempts."""
    known = [(event, message.body) for message in messages if (event := read(runtime, message))]

    def store(tx: sa.Connection) -> None:
        for event, body in sorted(known, key=lambda pair: pair[0].id):
            inbox.store(tx, event, body, runtime.clock())
        wake(tx, "inbox")

    _commit(runtime, store)
    committed(len(messages))


def _deliver_batch(runtime: Runtime, messages: list[Message], committed: Told) -> None:
    events = [event for message in messages if (event := read(runtime, message)) is not None]
    began = perf_counter()
    try:
        new = _commit(runtime, lambda tx: _claim_and_handle(runtime, tx, events))
    except Exception as error:
        if retry.is_away(error):
            raise
        log.info("batch taken apart", events=len(events), error=type(error).__name__)
        for message in messages:
            deliver(runtime, message)
            committed(1)
        return
    _tell(runtime, new, "done", began)
    failpoints.hit("consumer.after_commit")
    committed(len(messages))


def _commit(runtime: Runtime, work: Callable[[sa.Connection], Result]) -> Result:
    """*work* in one transaction, again as a whole when it collided with another."""

    def attempt() -> Result:
        with runtime.transaction() as tx:
            return work(tx)

    return retry.retrying(attempt)


def _claim_and_handle(
    runtime: Runtime, tx: sa.Connection, events: Sequence[Event]
) -> Sequence[Event]:
    """Those of *events* that were new."""
    if new := inbox.claim(tx, events, runtime.clock()):
        failpoints.hit("consumer.after_claim")
        _handle(runtime, tx, new)
        failpoints.hit("consumer.before_commit")
    return new


def _handle(runtime: Runtime, tx: sa.Connection, events: Sequence[Event]) -> None:
    """Types as they came, subjects of a type in one order, so that workers lock them in it."""
    now, by_type = runtime.clock(), dict[str, list[Event]]()
    for event in events:
        by_type.setdefault(event.type, []).append(event)
    for type_, same in by_type.items():
        handler = runtime.service.handlers[type_]
        if isinstance(handler, Batched):
            handler.handle(tx, sorted(same, key=lambda event: event.subject), now)
        else:
            for event in same:
                handler(tx, event, now)
        log.info("handled", event_type=type_, event_ids=[event.id for event in same],
                 subjects=[event.subject for event in same])  # fmt: skip
    inbox.wake_waiting(tx, now, {event.subject for event in events})


def _fail(runtime: Runtime, tx: sa.Connection, event: Event, body: str, error: Exception) -> str:
    now = runtime.clock()
    inbox.store(tx, event, body, now, attempts=1)
    return inbox.set_aside(tx, event.id, now, error)


def _tell(runtime: Runtime, events: Sequence[Event], state: str, began: float) -> None:
    outcome, types = OUTCOMES.get(state, state), [event.type for event in events]
    metrics.handled(runtime.service.name, types, outcome, perf_counter() - began)


def _attempt(runtime: Runtime, event_id: str, *, early: bool) -> bool:
    """One more attempt at a stored event; whether it is done now."""
    now = runtime.clock()
    with runtime.transaction() as tx:
        body = inbox.begin(tx, event_id, now, early=early)
    if body is None:
        return False
    event, began = Event.from_json(body), perf_counter()
    try:
        with telemetry.handling(event, runtime.service.name):
            _commit(runtime, lambda tx: _handle_stored(runtime, tx, event))
    except Exception as error:
        if retry.is_away(error):
            raise
        reason = error
        state = _commit(runtime, lambda tx: inbox.set_aside(tx, event_id, runtime.clock(), reason))
        _tell(runtime, [event], state, began)
        return False
    _tell(runtime, [event], "done", began)
    return True


def _handle_stored(runtime: Runtime, tx: sa.Connection, event: Event) -> None:
    if inbox.lock(tx, event.id)["state"] in inbox.UNFINISHED:
        _handle(runtime, tx, [event])
        inbox.finish(tx, event.id)
