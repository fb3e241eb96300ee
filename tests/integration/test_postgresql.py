"""What SQLite cannot show: the schema and the claims on a real PostgreSQL."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
import sqlalchemy as sa
from carport.shared import db, delivery, migrate, outbox
from carport.shared.bus import Message
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.events import Event, make
from carport.shared.service import Service
from support import expansion

SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    made = db.make_engine(database_url)
    yield made
    made.dispose()


@pytest.mark.parametrize("name", SERVICES)
def test_migrations_go_up_from_empty_down_and_up_again_and_match_the_tables(engine, name):
    service = importlib.import_module(f"carport.{name}.service").SERVICE
    migrate.upgrade(engine, service)
    migrate.downgrade(engine, service, "base")
    migrate.upgrade(engine, service)
    with engine.connect() as connection:
        assert migrate.difference(connection, service) == []


@pytest.mark.parametrize("name", [*SERVICES, "spine"])
def test_a_revision_only_adds_what_the_release_before_need_not_know(engine, name):
    service = (
        importlib.import_module(f"carport.{name}.service").SERVICE if name in SERVICES else None
    )
    assert list(expansion.shrinking(engine, service)) == []


def test_a_row_is_inserted_once_and_says_so(engine):
    migrate.upgrade_spine(engine)
    with engine.begin() as tx:
        row = {"client": "c", "key": "k", "operation": "o", "content_hash": "h", "created_at": NOW}
        keys = db.SPINE.tables["idempotency_key"]
        assert [db.insert_if_absent(tx, keys, **row) for _ in range(2)] == [True, False]


def test_an_event_delivered_by_eight_threads_at_once_takes_effect_once(engine):
    migrate.upgrade_spine(engine)
    metadata = sa.MetaData(naming_convention=db.CONVENTION)
    seen = db.table("seen", metadata, db.auto_id(), sa.Column("what", db.Text, nullable=False))
    metadata.create_all(engine)

    def note(tx, event, now):
        tx.execute(seen.insert().values(what=event.id))

    type_ = "maker.thing_made.v1"
    service = Service("taker", metadata, "none", handlers={type_: note})
    runtime = Runtime(service, Settings("taker", str(engine.url)), engine)
    for number in range(20):
        event = make(type_, subject="s", data={"number": number}, now=NOW)
        together = Barrier(8)

        def deliver(event=event, together=together):
            together.wait()
            delivery.deliver(runtime, Message(event.id, type_, event.to_json(), False))

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(deliver) for _ in range(8)]:
                done.result()
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(seen)).scalar() == 20
    assert delivery.retry_once(runtime) == 0


def test_an_event_that_commits_after_a_later_one_is_sent_too(engine):
    migrate.upgrade_spine(engine)
    runtime = Runtime(
        Service("maker", sa.MetaData(), "none"), Settings("maker", str(engine.url)), engine
    )
    early, later = (
        make("maker.thing_made.v1", subject="s", data={"what": what}, now=NOW)
        for what in ("early", "later")
    )
    bus = Recorder()
    with runtime.transaction() as slow:
        outbox.add(slow, early)
        with runtime.transaction() as quick:
            outbox.add(quick, later)
        outbox.relay_once(runtime, bus, "token")
    outbox.relay_once(runtime, bus, "token")
    assert bus.heard == ["later", "early"]


class Recorder:
    """A bus on which everything is safe at once."""

    handles_here = False

    def __init__(self):
        self.heard = []

    def publish(self, messages):
        self.heard += [Event.from_json(message.body).data["what"] for message in messages]
        return {message.id for message in messages}
