"""The migrated schema is the one in code, and the way back works."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from carport.payments.service import SERVICE
from carport.shared import approval, idempotency, migrate, worker
from carport.shared.db import make_engine

SPINE_OWNERS = (approval, idempotency, worker)  # importing them declares every table of the spine


def test_the_migrated_schema_is_the_one_in_code(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'payments'}.db")
    migrate.upgrade(engine, SERVICE)
    with engine.connect() as connection:
        assert migrate.difference(connection, SERVICE) == []


def test_there_is_one_head_and_the_way_back_is_clean(tmp_path):
    assert len(ScriptDirectory.from_config(migrate.tree_of(SERVICE)).get_heads()) == 1
    engine = make_engine(f"sqlite:///{tmp_path / 'payments'}.db")
    migrate.upgrade(engine, SERVICE)
    migrate.downgrade(engine, SERVICE, "base")
    left = set(sa.inspect(engine).get_table_names())
    assert not left & set(SERVICE.metadata.tables)
