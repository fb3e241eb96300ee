"""What a service is: one frozen value that names its tables, routes, handlers, jobs and effects.

``service.py`` of each service assembles it once; the web process, the worker, the migration role
and the tests all read the same value, so there is no base class and nothing to register.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, MetaData

from carport.shared import telemetry
from carport.shared.events import Event

Handler = Callable[[Connection, Event, datetime], None]
Batch = Callable[[Connection, Sequence[Event], datetime], None]
Chunk = tuple[date, str]
"""The business date and the key of one piece of a job; a piece is done at most once."""


@dataclass(frozen=True)
class Batched:
    """A handler for a type whose events commute across subjects: *handle* is given several of them,
    those of one subject in the order they came, in one transaction."""

    handle: Batch

    def __call__(self, tx: Connection, event: Event, now: datetime) -> None:
        """Handle one alone, as after a failure of its batch."""
        self.handle(tx, [event], now)


batched = Batched


def commuting(handler: Handler) -> Batched:
    """*handler* for a batch, one event after the other: they share the commit."""

    def handle(tx: Connection, batch: Sequence[Event], now: datetime) -> None:
        for event in batch:
            with telemetry.handling(event):
                handler(tx, event, now)

    return Batched(handle)


@dataclass(frozen=True)
class Job:
    """Work of a day in pieces: *chunks* lists what is due, *run* does one in its transaction."""

    chunks: Callable[[Connection, datetime], Sequence[Chunk]]
    run: Callable[[Connection, str, datetime], None]


@dataclass(frozen=True)
class Effect:
    """A call to the outside world: *claim* leases rows and commits, *call* runs without a
    transaction, *record* stores the outcome, fenced by the token the claim wrote."""

    claim: Callable[[Connection, datetime], Sequence[Any]]
    call: Callable[[Any], Any]
    record: Callable[[Connection, Any, Any, datetime], None]


@dataclass(frozen=True)
class Service:
    """One deployable service. *migrations* is the package of its Alembic tree; *verify* answers
    the invariants that do not hold, one sentence each; *gauges* the metrics of its own that
    ``health.GAUGES`` names; *commands* are further roles of its CLI."""

    name: str
    metadata: MetaData
    migrations: str
    blueprints: Sequence[Any] = ()
    errors: Mapping[type[Exception], int] = field(default_factory=dict)
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    publishes: frozenset[str] = frozenset()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    effects: Mapping[str, Effect] = field(default_factory=dict)
    commands: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    verify: Callable[[Connection], list[str]] | None = None
    gauges: Callable[[Connection, datetime], Mapping[str, float]] | None = None
