"""Each schema has one history, and the history arrives at the tables in the code."""

from __future__ import annotations

import pytest
from carport.shared import approval, idempotency, migrate, worker
from carport.shared.db import make_engine

SPINE_OWNERS = (approval, idempotency, worker)  # importing them declares every table of the spine


@pytest.fixture
def engine(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/schema.db")
    yield engine
    engine.dispose()


def test_the_spine_has_one_head():
    assert len(migrate.heads(None)) == 1


def test_a_service_has_one_head(service):
    assert len(migrate.heads(service)) == 1


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
