from __future__ import annotations

import pytest
import sqlalchemy as sa
from carport.accounts.service import SERVICE
from carport.accounts.tables import metadata
from carport.shared import migrate
from sqlalchemy.exc import IntegrityError


def test_the_migrated_schema_is_that_of_the_tables(suite):
    with suite.runtime.reading() as tx:
        assert migrate.difference(tx, SERVICE) == []


def test_the_migration_goes_back_and_forth(suite):
    migrate.downgrade(suite.runtime.engine, SERVICE, "base")
    left = set(sa.inspect(suite.runtime.engine).get_table_names())
    assert left.isdisjoint(metadata.tables)
    migrate.upgrade(suite.runtime.engine, SERVICE)
    with suite.runtime.reading() as tx:
        assert migrate.difference(tx, SERVICE) == []


def test_every_table_is_strict(suite):
    with suite.runtime.reading() as tx:
        strict = tx.exec_driver_sql(
            "SELECT name FROM pragma_table_list WHERE strict = 1 AND schema = 'main'"
        ).scalars()
        assert set(metadata.tables) <= set(strict)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE contract SET status = 'lost'", "UPDATE contract SET product = 'boat'",
     "UPDATE item SET amount = 0", "UPDATE item SET kind = 'gift'",
     "INSERT INTO entry VALUES ((SELECT id FROM journal), 9, 'unapplied', 'debit', 0)",
     "INSERT INTO entry VALUES ((SELECT id FROM journal), 9, 'unapplied', 'left', 5)",
     "INSERT INTO entry VALUES ('no such journal', 1, 'unapplied', 'debit', 5)",
     "INSERT INTO entry VALUES ((SELECT id FROM journal), 9, 'unapplied', 'debit', 1.5)"],
)  # fmt: skip
def test_the_database_refuses_what_the_code_would_never_write(suite, statement):
    suite.pay(suite.board(), 500)
    with pytest.raises(IntegrityError), suite.runtime.transaction() as tx:
        tx.exec_driver_sql(statement)
