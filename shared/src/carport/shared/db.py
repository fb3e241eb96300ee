"""The database edge: column types for both databases, the engine, and the one transaction helper.

SQLite runs in WAL with ``synchronous=FULL``; writers take ``BEGIN IMMEDIATE`` and queue in the
process rather than in SQLite's busy loop. Tables every service has are declared on ``SPINE``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from carport.shared import postgres
from carport.shared.config import Settings
from carport.shared.errors import Unavailable, Unsettled
from carport.shared.kernel.clock import Clock, utc_now
from carport.shared.retry import is_away
from carport.shared.service import Service

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SPINE = sa.MetaData(naming_convention=CONVENTION)
WRITE_WAIT_S_MAX = 10.0
SQLITE_BUSY_MS = 10_000
APPEND_ONLY = "append_only"

SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""How all statements of a read see one state of PostgreSQL, as they do of SQLite by themselves."""
APART: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}

Text = sa.Text
Cents = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Flag = sa.Boolean(create_constraint=False).with_variant(sa.Integer(), "sqlite")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware UTC instant; sortable ISO text on SQLite, which has no type for it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """TEXT on SQLite, TIMESTAMP WITH TIME ZONE elsewhere."""
        return sa.Text() if dialect.name == "sqlite" else sa.DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Refuses naive instants: they would silently mean another moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        moment = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return moment

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


class Day(sa.TypeDecorator[date]):
    """A calendar day; ISO text on SQLite."""

    impl = sa.Date()
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """TEXT on SQLite, DATE elsewhere."""
        return sa.Text() if dialect.name == "sqlite" else sa.Date()

    def process_bind_param(self, value: date | None, dialect: sa.Dialect) -> Any:
        """ISO text on SQLite."""
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> date | None:
        """A date on both."""
        return date.fromisoformat(value) if isinstance(value, str) else value


class Json(sa.TypeDecorator[Any]):
    """A JSON value kept as text, the same bytes on both databases."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Compact, members in the order given."""
        if value is None:
            return None
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        """The parsed value."""
        return None if value is None else json.loads(value)


def table(
    name: str, metadata: sa.MetaData, *parts: sa.schema.SchemaItem, append_only: bool = False
) -> sa.Table:
    """A table that is STRICT on SQLite, so that it refuses what PostgreSQL refuses.

    With *append_only* its rows are never changed or removed: its migration makes the triggers.
    """
    return sa.Table(name, metadata, *parts, sqlite_strict=True, info={APPEND_ONLY: append_only})


def is_append_only(declared: sa.Table) -> bool:
    """Whether the rows of *declared* are never changed or removed."""
    return bool(declared.info.get(APPEND_ONLY))


def auto_id() -> sa.Column[int]:
    """A ``seq`` column the database counts up; BIGINT, INTEGER on SQLite."""
    return sa.Column("seq", Cents, primary_key=True, autoincrement=True)


def insert_if_absent(tx: sa.Connection, into: sa.Table, **values: Any) -> bool:
    """``INSERT … ON CONFLICT DO NOTHING``; whether the row was inserted."""
    return tx.execute(_if_absent(tx.dialect.name, into), values).rowcount == 1


@cache
def _if_absent(dialect: str, into: sa.Table) -> Any:
    """On PostgreSQL SQLAlchemy keeps the number of rows only with the option."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(into).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def among(tx: sa.Connection, column: sa.Column[int], values: Sequence[int]) -> Any:
    """The condition that *column* is one of *values*: one array on PostgreSQL, where hundreds of
    parameters would cost more than the statement."""
    if tx.dialect.name != "postgresql":
        return column.in_(values)
    kind = postgresql.ARRAY(sa.BigInteger)
    return column == sa.any_(sa.bindparam(None, list(values), type_=kind))


def make_engine(url: str, name: str = "carport") -> sa.Engine:
    """An engine for a PostgreSQL or SQLite *url*; its errors do not repeat the values it was given,
    which would end up in logs. A server shows its connections under *name*."""
    if not url.startswith("sqlite"):
        return postgres.make_engine(url, name)
    engine = sa.create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=40, pool_timeout=3
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={SQLITE_BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("carport_reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


class Everyone:
    """Wakes all that wait for *next*; who takes *next* before looking misses nothing."""

    def __init__(self) -> None:
        self.next = threading.Event()

    def set(self) -> None:
        """Wake them."""
        woken, self.next = self.next, threading.Event()
        woken.set()


class Wake:
    """One event per loop of a worker, and one for all streams, set after a commit that left
    something for it."""

    def __init__(self) -> None:
        self.loops = {name: threading.Event() for name in ("relay", "inbox", "effects", "jobs")}
        self.streams = Everyone()

    def __call__(self, name: str) -> None:
        """Wake the loop *name*, or the streams; what another release calls so is nothing to us."""
        if waiting := self.streams if name == "stream" else self.loops.get(name):
            waiting.set()

    def all(self) -> None:
        """Wake every loop and the streams."""
        for loop in self.loops.values():
            loop.set()
        self.streams.set()

    def listen(self) -> None:
        """Hear other processes too; here there are none."""

    def close(self) -> None:
        """Let go of what ``listen`` and waking opened."""


def wake(tx: sa.Connection, loop: str) -> None:
    """After *tx* commits, wake that loop of this service's worker (relay, inbox, effects, jobs), or
    its streams (stream)."""
    tx.info.setdefault("carport_wake", set()).add(loop)


def settings(tx: sa.Connection) -> Settings:
    """The settings of the service whose transaction *tx* is: keys, lender, addresses."""
    found: Settings = tx.info["carport_settings"]
    return found


def commit(begun: sa.RootTransaction) -> None:
    """Commit. Raises Unsettled when nobody can tell whether that happened."""
    try:
        begun.commit()
    except sa.exc.DBAPIError as error:
        if is_away(error):
            raise Unsettled from error
        raise


@dataclass
class Runtime:
    """A service with its settings and database in this process."""

    service: Service
    settings: Settings
    engine: sa.Engine
    clock: Clock = utc_now
    wake: Wake = field(default_factory=Wake)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction: commits at the end, rolls back on any exception.

        Only the edge (api, worker, cli) opens one. Raises Unavailable when no turn to write comes,
        Unsettled when the answer to the commit was lost.
        """
        with self._turn_to_write(), self.engine.connect() as connection:
            connection.info.pop("carport_wake", None)
            connection.info["carport_settings"] = self.settings
            with connection.begin() as begun:
                yield connection
                commit(begun)
            for loop in connection.info.pop("carport_wake", ()):
                self.wake(loop)

    @contextmanager
    def reading(self, *, apart: bool = False) -> Iterator[sa.Connection]:
        """A consistent read that never waits for writers; with *apart* each statement is one by
        itself, which spares PostgreSQL the round trips of a transaction."""
        with self.engine.connect() as connection:
            connection.info["carport_settings"] = self.settings
            is_sqlite = self.engine.dialect.name == "sqlite"
            options = {"carport_reading": True} if is_sqlite else APART if apart else SNAPSHOT
            readable = connection.execution_options(**options)
            with readable.begin():
                yield readable

    def _turn_to_write(self) -> Any:
        return self._queue() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def _queue(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=WRITE_WAIT_S_MAX):
            raise Unavailable("The database is busy. Nothing was changed; try again in a moment.")
        try:
            yield
        finally:
            self._writing.release()
