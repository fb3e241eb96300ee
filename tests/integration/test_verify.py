"""`carport verify` and `carport events` on PostgreSQL, by roles that may do just what they need."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from carport.allinone import databases
from carport.allinone.__main__ import main
from carport.allinone.suite import SERVICES
from carport.allinone.verify import planned, verify
from carport.shared.inbox import inbox
from carport.shared.outbox import outbox
from support import postgres_copy, sample
from support.damage import damage, name_of

CHECKS = list(planned())
NAMES = [service.name for service in SERVICES]
PASSWORD = "only-for-this-run"


@pytest.fixture(scope="module")
def good(server, tmp_path_factory):
    """The URLs of databases in which everything has happened and holds."""
    folder = tmp_path_factory.mktemp("good") / "var"
    sample.make(folder)
    urls = postgres_copy.copy(folder, server, f"carport_{uuid.uuid4().hex[:8]}")
    yield urls
    postgres_copy.drop(server, *urls.values())


@pytest.fixture
def spoiled(good, server):
    """Makes a copy of one of the databases, with a damage done to it; the URLs then."""
    made = []

    def spoil(service, do):
        original = sa.make_url(good[service]).database
        name = f"carport_{uuid.uuid4().hex}"
        made.append(postgres_copy.create(server, name, original))
        with postgres_copy.unguarded(made[-1]) as engine, engine.begin() as tx:
            tx.exec_driver_sql(postgres_copy.UNGUARDED)
            do(tx)
        return {**good, service: made[-1]}

    yield spoil
    postgres_copy.drop(server, *made)


@pytest.fixture(autouse=True)
def sandbox(monkeypatch):
    monkeypatch.setenv("CARPORT_ENV", "sandbox")


def report(urls, **options):
    runtimes = {s.name: databases.runtime(s, urls[s.name]) for s in SERVICES}
    try:
        return verify(runtimes, grace=timedelta(0), **options)
    finally:
        for runtime in runtimes.values():
            runtime.engine.dispose()


def test_good_databases_have_nothing_to_find(good):
    found = report(good)
    assert (found.findings, found.ok) == ([], True)
    assert len(found.checked) == len(CHECKS)


@pytest.mark.parametrize(
    ("unit", "check"), CHECKS, ids=[f"{c.invariant} {u} {name_of(c)}" for u, c in CHECKS]
)
def test_every_check_finds_what_it_is_for(spoiled, unit, check):
    found = report(spoiled(*damage(unit, check)), only=[check.invariant]).findings
    assert {(f["invariant"], f["unit"], f["holds"]) for f in found} >= {
        (check.invariant, unit, check.holds)
    }
    assert not any("cannot be checked" in f["detail"] for f in found)


def test_rows_that_cannot_be_read_are_a_finding_and_the_other_checks_go_on(spoiled):
    def cut(tx):
        tx.execute(outbox.update().values(body="{"))

    found = report(spoiled("accounts", cut), only=["I-24", "I-25", "I-26", "I-28"])
    unread = {f["unit"] for f in found.findings if "cannot be checked" in f["detail"]}
    assert unread == {"accounts", "accounts → payments", "accounts → notifications",
                      "accounts → lease"}  # fmt: skip
    assert len(found.checked) > len(unread)


@pytest.fixture
def roles(good, server, monkeypatch):
    """A reader of each database in the environment, and the names of roles that may also update
    inbox and outbox."""
    run = uuid.uuid4().hex[:8]
    reader, writer = f"reader_{run}", f"replayer_{run}"
    with server.connect() as connection:
        for role in (reader, writer):
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    for name, url in good.items():
        with postgres_copy.unguarded(url) as engine, engine.begin() as tx:
            tx.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}, {writer}")
            tx.exec_driver_sql(f"GRANT UPDATE ON inbox, outbox TO {writer}")
        monkeypatch.setenv(f"CARPORT_{name.upper()}_DATABASE_URL", of_role(url, reader))
    yield reader, writer
    for url in good.values():
        with postgres_copy.unguarded(url) as engine, engine.begin() as tx:
            tx.exec_driver_sql(f"DROP OWNED BY {reader}, {writer}")
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP ROLE {reader}, {writer}")


def of_role(url, role):
    made = sa.make_url(url).set(username=role, password=PASSWORD)
    return made.render_as_string(hide_password=False)


def test_a_role_that_only_reads_is_enough_and_no_key_is_needed(roles, capsys):
    assert main(["verify", "--json", "--grace", "0"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and len(told["checked"]) == len(CHECKS)
    assert main(["close-status"]) == 0
    assert f"Business date {sample.LAST_DAY}" in capsys.readouterr().out
    assert main(["events", "list"]) == 0


def test_a_role_that_may_change_the_books_is_found(good, server):
    role = f"writer_{uuid.uuid4().hex[:8]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
    with postgres_copy.unguarded(good["accounts"]) as engine:
        try:
            with engine.begin() as tx:
                tx.exec_driver_sql(f"GRANT UPDATE ON journal TO {role}")
            (found,) = report(good, only=["I-05"]).findings
            assert found["detail"] == f"the role {role} may UPDATE journal"
        finally:
            with engine.begin() as tx:
                tx.exec_driver_sql(f"DROP OWNED BY {role}")
            with server.connect() as connection:
                connection.exec_driver_sql(f"DROP ROLE {role}")


def test_a_reader_cannot_replay_and_says_which_role_can(roles, good, monkeypatch, capsys):
    reader, writer = roles
    lost = inbox.c.type == "accounts.payment_posted.v1"
    with postgres_copy.unguarded(good["lease"]) as engine, engine.begin() as tx:
        gone = tx.execute(sa.select(inbox).where(lost)).mappings().all()
        tx.execute(inbox.delete().where(lost))
    again = ["events", "replay", "--to", "lease", "--missing"]
    monkeypatch.setattr("carport.allinone.stuck.replaying.GRACE", timedelta(0))
    try:
        assert main(again) == 2
        refused = capsys.readouterr().err
        assert f"{reader}@" in refused and "CARPORT_ACCOUNTS_REPLAY_DATABASE_URL" in refused
        assert PASSWORD not in refused
        for name, url in good.items():
            monkeypatch.setenv(f"CARPORT_{name.upper()}_REPLAY_DATABASE_URL", of_role(url, writer))
        assert main(again) == main(again) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert f"accounts: {len(gone)} events will be sent again (as {writer}@" in first
        assert "is in the inbox of lease" in second
    finally:
        with postgres_copy.unguarded(good["lease"]) as engine, engine.begin() as tx:
            tx.execute(inbox.insert(), [dict(row) for row in gone])
        with postgres_copy.unguarded(good["accounts"]) as engine, engine.begin() as tx:
            unsent = outbox.update().where(outbox.c.sent_at.is_(None))
            tx.execute(unsent.values(sent_at=outbox.c.created_at))


def test_a_database_that_is_away_is_named_without_its_password(roles, good, monkeypatch, capsys):
    away = sa.make_url(good["lease"]).set(port=9, username="somebody", password=PASSWORD)
    text = away.render_as_string(hide_password=False)
    monkeypatch.setenv("CARPORT_LEASE_DATABASE_URL", text)
    assert main(["verify", "--json"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["ok"] is False and "lease: somebody@" in told.err
    assert PASSWORD not in told.out + told.err


def test_a_database_that_is_not_named_is_asked_for(roles, monkeypatch, capsys):
    monkeypatch.delenv("CARPORT_LEASE_DATABASE_URL")
    assert main(["verify"]) == 2
    assert "Set CARPORT_LEASE_DATABASE_URL" in capsys.readouterr().err


def test_all_addresses_may_be_in_one_file(good, tmp_path, monkeypatch, capsys):
    (tmp_path / "databases").write_text(json.dumps(good))
    monkeypatch.setenv("CARPORT_OPS_DATABASES_FILE", str(tmp_path / "databases"))
    assert main(["verify", "--only", "I-01", "--grace", "0"]) == 0
    assert "All invariants hold." in capsys.readouterr().out


def test_a_schema_of_an_earlier_release_is_no_reason_to_look_on(spoiled, monkeypatch, capsys):
    def downgrade(tx):
        tx.exec_driver_sql("DELETE FROM lease_version")

    for name, url in spoiled("lease", downgrade).items():
        monkeypatch.setenv(f"CARPORT_{name.upper()}_DATABASE_URL", url)
    assert main(["verify"]) == 2
    assert "lease: the schema is of another release" in capsys.readouterr().err
