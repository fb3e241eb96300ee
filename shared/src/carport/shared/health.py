"""What a unit needs to serve, and has or lacks; and what its database tells at each scrape.

Every query is bounded: the parts of ``outbox`` and ``inbox`` that are not done have partial
indexes, and counting stops at a number that tells enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from carport.shared import business_day
from carport.shared.db import Runtime
from carport.shared.errors import Problem
from carport.shared.inbox import OPEN, inbox
from carport.shared.outbox import outbox

if TYPE_CHECKING:
    from carport.shared.auth import Guard

COUNTED_MAX = 100_000
STATES = ("retry", "waiting", "parked")
GAUGES = {
    "carport_outbox_unsent": "Events not sent yet, 100000 for more.",
    "carport_outbox_oldest_age_seconds": "Age of the oldest of them.",
    "carport_inbox_events": "Events received and not done, by state.",
    "carport_inbox_oldest_age_seconds": "Age of the oldest of them.",
    "carport_close_open_day_timestamp_seconds": "The open business day, as midnight UTC.",
    "carport_close_contracts_left": "Contracts the running close has still to close.",
    "carport_close_age_seconds": "How long the running close has been going on.",
}
Value = tuple[str, dict[str, str], float]
SERVING = "carport.serving"
"""In a request's environ: a function that tells whether its process goes on serving."""


def tell_serving(worker: Any) -> None:
    """Have gunicorn's *worker* say so in the environ of its requests."""
    app = worker.wsgi

    def telling(environ: dict[str, Any], start_response: Any) -> Any:
        environ[SERVING] = lambda: worker.alive
        return app(environ, start_response)

    worker.wsgi = telling


def of_database(runtime: Runtime, *, needs_day: bool = True) -> dict[str, bool]:
    """Whether the database answers, has the schema this release needs, and a business day; what
    cannot be known without the one before is left out."""
    parts = {"database": False}
    try:
        with runtime.reading() as tx:
            parts["database"] = tx.execute(sa.select(1)).scalar() == 1
            parts["schema"] = False
            parts["schema"] = has_schema(tx, runtime)
            if parts["schema"] and needs_day:
                parts["business_day"] = business_day.is_open(tx)
    except SQLAlchemyError:
        return parts
    return parts


def of_identity(guard: Guard, now: datetime) -> dict[str, bool]:
    """Whether the store of live sessions answers and auth's keys are known."""
    return {"sessions": _answers(guard, now), "keys": guard.keys.are_known(now)}


def _answers(guard: Guard, now: datetime) -> bool:
    try:
        guard.sessions.is_live("readiness", now)
    except Problem:
        return False
    return True


def has_schema(tx: sa.Connection, runtime: Runtime) -> bool:
    """Whether both trees are at this release's head or beyond it: a migration works with the
    release before it, so that one goes on while the next is rolled out."""
    service = runtime.service
    trees = {"spine": "carport.shared.migrations", service.name: service.migrations}
    return all(_revision(tx, name) >= head(location) for name, location in trees.items())


def _revision(tx: sa.Connection, tree: str) -> str:
    number: sa.ColumnClause[str] = sa.column("version_num", sa.Text())
    versions = sa.select(sa.func.max(number)).select_from(sa.table(f"{tree}_version", number))
    return tx.execute(versions).scalar() or ""


@cache
def head(location: str) -> str:
    """The newest revision in the package *location*, by the number its file begins with."""
    package, _, folder = location.rpartition(".")
    files = resources.files(package).joinpath(folder, "versions").iterdir()
    return max(name[:4] for name in (file.name for file in files) if name[:4].isdecimal())


def read(runtime: Runtime) -> list[Value]:
    """The gauges of one unit; none while its database is away."""
    try:
        with runtime.reading() as tx:
            now = runtime.clock()
            more = runtime.service.gauges(tx, now) if runtime.service.gauges else {}
            own: list[Value] = [(name, {}, value) for name, value in more.items()]
            return [*_of_outbox(tx, now), *_of_inbox(tx, now), *_of_day(tx), *own]
    except SQLAlchemyError:
        return []


def _of_outbox(tx: sa.Connection, now: datetime) -> Iterator[Value]:
    unsent = sa.select(outbox.c.created_at.label("at")).where(outbox.c.sent_at.is_(None))
    some = unsent.order_by(outbox.c.seq).limit(COUNTED_MAX).subquery()
    number, oldest = tx.execute(sa.select(sa.func.count(), sa.func.min(some.c.at))).one()
    yield "carport_outbox_unsent", {}, number
    yield "carport_outbox_oldest_age_seconds", {}, age(oldest, now)


def _of_inbox(tx: sa.Connection, now: datetime) -> Iterator[Value]:
    held = sa.select(inbox.c.state, inbox.c.received_at.label("at")).where(OPEN)
    some = held.limit(COUNTED_MAX).subquery()
    query = sa.select(some.c.state, sa.func.count(), sa.func.min(some.c.at))
    found = {row[0]: row[1:] for row in tx.execute(query.group_by(some.c.state))}
    for state in STATES:
        number, oldest = found.get(state, (0, None))
        yield "carport_inbox_events", {"state": state}, number
        yield "carport_inbox_oldest_age_seconds", {"state": state}, age(oldest, now)


def _of_day(tx: sa.Connection) -> Iterator[Value]:
    if business_day.is_open(tx):
        midnight = datetime.combine(business_day.get(tx).date, time(), UTC)
        yield "carport_close_open_day_timestamp_seconds", {}, midnight.timestamp()


def age(since: datetime | None, now: datetime) -> float:
    """Seconds from *since* to *now*; 0 for never."""
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


class Gauges:
    """A collector of what the databases of *runtimes* tell; one that is away tells nothing."""

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        self.runtimes = runtimes

    def collect(self) -> Iterable[Any]:
        """Called by the registry."""
        from prometheus_client.core import GaugeMetricFamily

        families = {name: GaugeMetricFamily(name, text) for name, text in GAUGES.items()}
        for runtime in self.runtimes:
            for name, labels, value in read(runtime):
                labelled = {"unit": runtime.service.name, **labels}
                families[name].add_sample(name, labelled, value)
        return families.values()
