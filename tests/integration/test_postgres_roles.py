"""Each service's database is its own; what its roles may do is what they need, and no more."""

from __future__ import annotations

import importlib

import pytest
import sqlalchemy as sa
from carport.shared.db import is_append_only, make_engine
from support.postgresql import ROLES, Server

SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
DENIED = "42501"


@pytest.fixture(scope="module")
def made(server):
    """All five databases, migrated, as on a server of production."""
    made = Server(server.url.render_as_string(hide_password=False))
    made.create(*SERVICES)
    for service in SERVICES:
        made.migrate(service)
    yield made
    made.close()


def tables(service):
    return importlib.import_module(f"carport.{service}.service").SERVICE.metadata.sorted_tables


def writing(url):
    """The same, also for the reader, whose sessions only read unless they are told otherwise."""
    return f"{url}?options=-c%20default_transaction_read_only%3Doff"


def run(url, *statements):
    """The SQLSTATE of the first of *statements* that fails, each in a transaction of its own."""
    engine = make_engine(url)
    try:
        for statement in statements:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        return error.orig.sqlstate or str(error.orig)
    finally:
        engine.dispose()
    return None


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("service", SERVICES)
def test_no_role_comes_into_the_database_of_another_service(made, service, role):
    for other in set(SERVICES) - {service}:
        refused = run(made.url(service, role, database=made.name(other)), "SELECT 1")
        assert refused and "permission denied for database" in refused
    assert run(made.url(service, role), "SELECT 1") is None


@pytest.mark.parametrize("role", ["", "_reader"])
@pytest.mark.parametrize("service", SERVICES)
def test_only_the_owner_changes_the_schema(made, service, role):
    name, url = tables(service)[0].name, writing(made.url(service, role))
    for statement in (
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE contract (id int)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        f'ALTER TABLE "{name}" ADD COLUMN mine int',
        f'ALTER TABLE "{name}" DISABLE TRIGGER ALL',
        f'DROP TABLE "{name}" CASCADE',
        f'TRUNCATE "{name}" CASCADE',
        f'ALTER TABLE "{name}" OWNER TO CURRENT_USER',
        "SET session_replication_role = replica",
    ):
        assert run(url, statement) == DENIED, statement


@pytest.mark.parametrize("service", SERVICES)
def test_the_application_reads_and_writes_everything_but_what_only_grows(made, service):
    url = made.url(service)
    for table in tables(service):
        column = next(iter(table.columns)).name
        update = f'UPDATE "{table.name}" SET "{column}" = "{column}"'
        changes = (
            update,
            f'DELETE FROM "{table.name}"',
            f'SELECT 1 FROM "{table.name}" FOR UPDATE',
        )
        assert run(url, f'SELECT * FROM "{table.name}"') is None
        wanted = DENIED if is_append_only(table) else None
        assert [run(url, change) for change in changes] == [wanted] * 3, table.name


def test_the_ledger_only_grows(made):
    assert {t.name for t in tables("accounts") if is_append_only(t)} == {
        "journal",
        "entry",
        "anchor",
    }
    assert {t.name for t in tables("payments") if is_append_only(t)} == {
        "payment_step", "ledger_anchor", "day_done"
    }  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_the_reader_reads_everything_and_writes_nothing(made, service):
    url = made.url(service, "_reader")
    for table in tables(service):
        column = next(iter(table.columns)).name
        assert run(url, f'SELECT * FROM "{table.name}"') is None
        for change in (
            f'UPDATE "{table.name}" SET "{column}" = "{column}"',
            f'DELETE FROM "{table.name}"',
            f'INSERT INTO "{table.name}" DEFAULT VALUES',
        ):
            assert run(writing(url), change) == DENIED, change
    assert run(url, "SELECT * FROM spine_version") is None


def test_a_right_that_was_given_by_hand_is_gone_after_the_next_migration(made):
    grant = f'GRANT UPDATE ON journal TO "{made.name("accounts")}"; GRANT ALL ON journal TO PUBLIC'
    assert run(made.url("accounts", "_owner"), f"BEGIN; {grant}; COMMIT") is None
    change = "UPDATE journal SET amount = amount WHERE false"
    assert run(made.url("accounts"), change) is None
    made.migrate("accounts")
    assert run(made.url("accounts"), change) == DENIED
