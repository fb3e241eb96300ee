"""The migrated schema is the one in the code."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from carport.auth import tables
from carport.auth.service import SERVICE
from carport.shared import migrate


def test_the_migrated_schema_is_that_of_the_tables(suite):
    with suite.runtime.engine.connect() as connection:
        assert migrate.difference(connection, SERVICE) == []


def test_there_is_one_head():
    assert len(ScriptDirectory.from_config(migrate.tree_of(SERVICE)).get_heads()) == 1


def test_migrating_down_and_up_again_ends_the_same(suite):
    migrate.downgrade(suite.runtime.engine, SERVICE, "base")
    with suite.runtime.engine.connect() as connection:
        left = set(sa.inspect(connection).get_table_names()) & set(tables.metadata.tables)
    assert left == set()
    migrate.upgrade(suite.runtime.engine, SERVICE)
    with suite.runtime.engine.connect() as connection:
        assert migrate.difference(connection, SERVICE) == []


def test_the_tables_refuse_values_of_another_type(suite):
    with pytest.raises(sa.exc.IntegrityError), suite.runtime.transaction() as tx:
        tx.exec_driver_sql(
            "INSERT INTO login_guard VALUES ('s', '', 'twelve', NULL, '2026-01-01T00:00:00Z')"
        )
