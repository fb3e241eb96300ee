"""`carport verify` finds what was lost, added or changed behind the services' backs: each check is
seen to fail once (`support.damage`), and all of them are silent about good databases."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
import sqlalchemy as sa
from carport.allinone import databases
from carport.allinone.verify import planned, verify
from sqlalchemy.pool import NullPool
from support import sample
from support.damage import damage, drop_trigger, name_of

CHECKS = list(planned())


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The folder of databases in which everything has happened and holds."""
    folder = tmp_path_factory.mktemp("good") / "var"
    sample.make(folder)
    return folder


@pytest.fixture
def home(good, tmp_path, monkeypatch):
    """A copy of it that may be damaged, as CARPORT_HOME."""
    shutil.copytree(good, tmp_path / "var")
    monkeypatch.setenv("CARPORT_HOME", str(tmp_path / "var"))
    return tmp_path / "var"


def change(home, service, do):
    """Change rows as somebody with the file could: no triggers, no foreign keys."""
    engine = sa.create_engine(f"sqlite:///{home}/{service}.db", poolclass=NullPool)
    with engine.begin() as tx:
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        before = tx.exec_driver_sql(triggers).all()
        for name, _ in before:
            if getattr(do, "func", None) is not drop_trigger:
                tx.exec_driver_sql(f"DROP TRIGGER {name}")
        do(tx)
        left = tx.exec_driver_sql(triggers).all()
        for _, text in before if not left else []:
            tx.exec_driver_sql(text)


def report(**options):
    runtimes = databases.for_reading()
    try:
        return verify(runtimes, grace=timedelta(0), **options)
    finally:
        for runtime in runtimes.values():
            runtime.engine.dispose()


def test_good_databases_have_nothing_to_find(home):
    found = report()
    assert (found.findings, found.ok) == ([], True)
    assert len(found.checked) == len(CHECKS)


@pytest.mark.parametrize(
    ("unit", "check"), CHECKS, ids=[f"{c.invariant} {u} {name_of(c)}" for u, c in CHECKS]
)
def test_every_check_finds_what_it_is_for(home, unit, check):
    service, do = damage(unit, check)
    change(home, service, do)
    found = report(only=[check.invariant]).findings
    assert {(f["invariant"], f["unit"], f["holds"]) for f in found} >= {
        (check.invariant, unit, check.holds)
    }
    assert not any("cannot be checked" in f["detail"] for f in found)
