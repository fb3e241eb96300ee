"""Each schema has one history, and the history arrives at the tables in the code."""

from __future__ import annotations

import pytest
from carport.shared import migrate
from carport.shared.db import make_engine


@pytest.fixture
def engine(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/schema.db")
    yield engine
    engine.dispose()


def service_names():
    return ("auth", "accounts", "payments", "notifications", "lease")


def test_the_spine_has_one_head():
    assert len(migrate.heads(None)) == 1


@pytest.mark.parametrize("name", service_names())
def test_a_service_has_one_head(services, name):
    assert len(migrate.heads(services[name])) == 1


@pytest.mark.parametrize("name", service_names())
def test_migrations_arrive_at_the_tables_in_the_code(services, engine, name):
    migrate.upgrade(engine, services[name])
    with engine.connect() as connection:
        assert migrate.difference(connection, services[name]) == []


@pytest.mark.parametrize("name", service_names())
def test_migrations_go_back_to_nothing_and_forward_again(services, engine, name):
    for _ in range(2):
        migrate.upgrade(engine, services[name])
        migrate.downgrade(engine, services[name], "base")
    migrate.upgrade(engine, services[name])
    with engine.connect() as connection:
        assert migrate.difference(connection, services[name]) == []
