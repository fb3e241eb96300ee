"""What the measurements share: databases and a virtual host of the run's own, a plain service,
interleaved runs and a table of medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from carport.shared import db, delivery, events, migrate, outbox, telemetry
from carport.shared.bus import Message
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.events import Event
from carport.shared.service import Batched, Service

POSTGRES = os.environ.get(
    "TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
AMQP = os.environ.get("TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672")
VALKEY = os.environ.get("TEST_VALKEY_URL", "redis://127.0.0.1:6379")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
TYPE = "payments.payment_accepted.v1"
POSTED = "accounts.payment_posted.v1"
ACCOUNTS = ("clearing", "unapplied", "interest", "principal")

metadata = sa.MetaData(naming_convention=db.CONVENTION)
journal = db.table(
    "plain_journal",
    metadata,
    sa.Column("id", db.Text, primary_key=True),
    sa.Column("contract_id", db.Text, nullable=False),
    sa.Column("booked_at", db.UtcDateTime, nullable=False),
)
entry = db.table(
    "plain_entry",
    metadata,
    sa.Column("journal_id", db.Text, primary_key=True),
    sa.Column("account", db.Text, primary_key=True),
    sa.Column("amount", db.Cents, nullable=False),
)


def post(tx: sa.Connection, batch: Sequence[Event], now: datetime) -> None:
    """A journal of four entries and an event for each, in three statements."""
    tx.execute(
        journal.insert(),
        [{"id": e.id, "contract_id": e.subject, "booked_at": now} for e in batch],
    )
    tx.execute(
        entry.insert(),
        [
            {"journal_id": e.id, "account": account, "amount": amount}
            for e in batch
            for account, amount in zip(ACCOUNTS, (-200, 200, -200, 200), strict=True)
        ],
    )
    said = [events.make(POSTED, subject=e.subject, data=e.data, now=now) for e in batch]
    outbox.add(tx, *said)


def nothing(_tx: sa.Connection, _batch: Sequence[Event], _now: datetime) -> None:
    """A handler without work."""


def make_events(number: int) -> list[Event]:
    """Events with the body of a real one, each about a contract of its own."""
    data = events.contract(TYPE)["example"]
    now = datetime.now(UTC)
    return [events.make(TYPE, subject=str(uuid.uuid4()), data=data, now=now) for _ in range(number)]


@contextmanager
def database() -> Iterator[str]:
    """An empty database with the spine and the plain tables; its URL."""
    with created() as url:
        engine = db.make_engine(url)
        migrate.upgrade_spine(engine)
        metadata.create_all(engine)
        engine.dispose()
        yield url


@contextmanager
def created(template: str | None = None) -> Iterator[str]:
    """A new database, a copy of the one at the URL *template* that nobody is connected to; its
    URL."""
    name = f"carport_bench_{uuid.uuid4().hex[:10]}"
    server = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    copied = f" TEMPLATE {sa.make_url(template).database}" if template else ""
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}{copied}"))
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@contextmanager
def virtual_host() -> Iterator[str]:
    """An empty virtual host; its URL. Needs the broker's own command line."""
    name = f"carport-bench-{uuid.uuid4().hex[:10]}"
    run("rabbitmqctl", "add_vhost", name)
    run("rabbitmqctl", "set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    try:
        yield f"{AMQP}/{name}"
    finally:
        run("rabbitmqctl", "delete_vhost", name)


def clean(given: Runtime) -> None:
    """Empty tables that the planner knows, as on a server that has run for a minute."""
    plain = ", ".join(each.name for each in metadata.sorted_tables)
    with given.transaction() as tx:
        tx.execute(sa.text(f"TRUNCATE inbox, outbox, {plain}"))
    delivery.deliver_many(given, messages(200))
    analyze(given.engine)


def analyze(engine: sa.Engine) -> None:
    """What the server does by itself within a minute."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def messages(number: int) -> list[Message]:
    """Events as they come from the broker."""
    return [Message(e.id, e.type, e.to_json(), redelivered=False) for e in make_events(number)]


def run(*command: str) -> None:
    """Run a command quietly."""
    subprocess.run(command, check=True, capture_output=True)


def runtime(url: str, handle: Callable[..., None] = nothing) -> Runtime:
    """The plain service: it consumes and publishes payments' events under the name of accounts."""
    telemetry.configure("bench", level="WARNING")
    service = Service(
        "accounts",
        metadata,
        "none",
        handlers={TYPE: Batched(handle)},
        publishes=frozenset({TYPE, POSTED}),
    )
    settings = Settings("accounts", url, env="sandbox")
    return Runtime(service, settings, db.make_engine(url))


def interleaved(**sides: Callable[[], float]) -> dict[str, float]:
    """The median of each side over rounds in which every side runs once."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            taken[name].append(side())
    return {name: statistics.median(values) for name, values in taken.items()}


def quantile(values: list[float], part: float) -> float:
    """The value below which *part* of them lie."""
    return sorted(values)[min(len(values) - 1, round(part * len(values)))]


def line(goal: str, wanted: str, found: str, detail: str) -> None:
    """One row of the table."""
    print(f"| {goal} | {wanted} | {found} | {detail} |", flush=True)
