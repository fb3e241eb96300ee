"""Each schema has one history, and the history arrives at the tables in the code."""

from __future__ import annotations

import pytest
from alembic.script import ScriptDirectory
from carport.shared import approval, idempotency, migrate, worker
from carport.shared.db import is_append_only, make_engine

SPINE_OWNERS = (approval, idempotency, worker)  # importing them declares every table of the spine


@pytest.fixture
def engine(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/schema.db")
    yield engine
    engine.dispose()


def test_the_spine_has_one_head():
    assert len(ScriptDirectory.from_config(migrate.tree_of(None)).get_heads()) == 1


def test_a_service_has_one_head(service):
    assert len(ScriptDirectory.from_config(migrate.tree_of(service)).get_heads()) == 1


def test_migrations_arrive_at_the_tables_in_the_code(service, engine):
    migrate.upgrade(engine, service)
    with engine.connect() as connection:
        assert migrate.difference(connection, service) == []


def test_migrations_go_back_to_nothing_and_forward_again(service, engine):
    for _ in range(2):
        migrate.upgrade(engine, service)
        migrate.downgrade(engine, service, "base")
    migrate.upgrade(engine, service)
    with engine.connect() as connection:
        assert migrate.difference(connection, service) == []


def test_what_only_grows_refuses_to_be_changed_whoever_asks(service, engine):
    migrate.upgrade(engine, service)
    for table in filter(is_append_only, service.metadata.sorted_tables):
        made = triggers_of(engine, table.name)
        assert {f"{table.name}_refuse_{change}" for change in ("update", "delete")} <= made


def triggers_of(engine, table):
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    with engine.connect() as connection:
        return set(connection.exec_driver_sql(query, (table,)).scalars())
