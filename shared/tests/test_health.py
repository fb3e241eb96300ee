"""What a unit lacks, and what its database tells at each scrape."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa
from carport.shared import (
    business_day,
    db,
    delivery,
    events,
    health,
    inbox,
    metrics,
    migrate,
    outbox,
    testing,
    web,
)
from carport.shared.auth import Guard, Keys
from carport.shared.bus import Message
from carport.shared.errors import Unavailable
from carport.shared.kernel.clock import utc_now
from carport.shared.service import Service
from carport.shared.sessions import MemorySessions

TYPE = "payments.note_made.v1"
NOW = utc_now()


def fail(_tx, _event, _now):
    raise ValueError("never")


@pytest.fixture
def runtime(tmp_path):
    """A service whose own tree is that of the spine, at its head, on a day."""
    service = Service("payments", sa.MetaData(), "carport.shared.migrations", handlers={TYPE: fail})
    settings = testing.settings("payments", tmp_path)
    made = db.Runtime(service, settings, db.make_engine(settings.database_url), lambda: NOW)
    migrate.upgrade_spine(made.engine)
    with made.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE payments_version AS SELECT * FROM spine_version"))
        business_day.open_day(tx, NOW.date())
    yield made
    made.engine.dispose()


def change(runtime, statement):
    with runtime.transaction() as tx:
        tx.execute(sa.text(statement))


def event(created=NOW):
    return events.make(TYPE, subject="s", data={}, now=created)


def values(runtime):
    return {(name, *labels.values()): value for name, labels, value in health.read(runtime)}


def test_a_unit_with_all_it_needs_is_ready(runtime):
    assert health.of_database(runtime) == {"database": True, "schema": True, "business_day": True}


def test_a_database_that_is_away_is_all_there_is_to_say(runtime, tmp_path):
    gone = dataclasses.replace(
        runtime, engine=db.make_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    )
    assert health.of_database(gone) == {"database": False}
    assert health.read(gone) == []


@pytest.mark.parametrize("tree", ["spine", "payments"])
def test_a_schema_behind_or_missing_is_missing(runtime, tree):
    change(runtime, f"UPDATE {tree}_version SET version_num = '0000'")
    assert health.of_database(runtime) == {"database": True, "schema": False}
    change(runtime, f"DROP TABLE {tree}_version")
    assert health.of_database(runtime) == {"database": True, "schema": False}


def test_the_schema_of_the_next_release_is_good_enough(runtime):
    change(runtime, "UPDATE payments_version SET version_num = '9999'")
    assert health.of_database(runtime)["schema"]


def test_a_worker_needs_no_business_day_and_others_do(runtime):
    change(runtime, "DELETE FROM business_day")
    assert health.of_database(runtime)["business_day"] is False
    assert health.of_database(runtime, needs_day=False) == {"database": True, "schema": True}


class AwaySessions(MemorySessions):
    def is_live(self, sid, now):
        raise Unavailable


def test_a_silent_store_of_sessions_and_unknown_keys_are_missing(runtime):
    def no_keys():
        raise OSError

    lost = Guard(Keys(no_keys), AwaySessions())
    assert health.of_identity(lost, NOW) == {"sessions": False, "keys": False}
    found = Guard(Keys(runtime.settings.jwks), MemorySessions())
    assert health.of_identity(found, NOW) == {"sessions": True, "keys": True}


def test_readyz_says_what_is_missing(runtime):
    client = web.create_app(runtime).test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "missing": []})
    change(runtime, "DELETE FROM business_day")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "unready", "missing": ["business_day"]}
    assert client.get("/healthz").status_code == 200


def test_gauges_tell_how_much_is_not_done_and_how_old_it_is(runtime):
    assert set(values(runtime).values()) - {values(runtime)[health_day()]} == {0}
    waits, unsent = event(), event(NOW - timedelta(seconds=90))
    with runtime.transaction() as tx:
        outbox.add(tx, unsent, event())
    delivery.deliver(runtime, Message(waits.id, TYPE, waits.to_json(), redelivered=False))
    change(runtime, "UPDATE inbox SET received_at = '2025-01-01T00:00:00.000000Z'")
    found = values(runtime)
    assert found["carport_outbox_unsent",] == 2
    assert found["carport_outbox_oldest_age_seconds",] == 90
    assert found["carport_inbox_events", "retry"] == 1
    assert found["carport_inbox_events", "parked"] == 0
    assert found["carport_inbox_oldest_age_seconds", "retry"] > 86_400
    assert found[health_day()] % 86_400 == 0


def health_day():
    return ("carport_close_open_day_timestamp_seconds",)


def test_the_gauges_are_those_that_are_documented(runtime):
    own = dataclasses.replace(
        runtime.service, gauges=lambda _tx, _now: {"carport_close_contracts_left": 7}
    )
    runtime.service = own
    families = list(health.Gauges([runtime]).collect())
    assert {family.name for family in families} == set(health.GAUGES)
    registry = metrics.start(health.Gauges([runtime]))
    told = {"unit": "payments"}
    assert registry.get_sample_value("carport_close_contracts_left", told) == 7
    metrics.stop()


def test_no_scrape_reads_what_is_sent_or_done(runtime):
    queries = []

    @sa.event.listens_for(runtime.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):
        queries.append((statement, parameters))

    health.read(runtime)
    with runtime.engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
            for statement, parameters in list(queries)
            if "outbox" in statement or "inbox" in statement
        ]
    used = [
        index for plan in plans for index in (inbox_index(), "ix_outbox_unsent") if index in plan
    ]
    assert sorted(used) == [inbox_index(), "ix_outbox_unsent"], plans


def inbox_index():
    return next(index.name for index in inbox.inbox.indexes if "due" in index.name)
