"""Every revision works with the release before it running: it adds what that need not know."""

from __future__ import annotations

import pytest
from carport.shared.db import make_engine
from support import expansion


@pytest.fixture
def engine(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/schema.db")
    yield engine
    engine.dispose()


def test_a_revision_of_a_service_only_adds(service, engine):
    assert list(expansion.shrinking(engine, service)) == []


def test_a_revision_of_the_spine_only_adds(engine):
    assert list(expansion.shrinking(engine, None)) == []


MADE = (
    "CREATE TABLE parent (id TEXT PRIMARY KEY) STRICT",
    "CREATE TABLE thing (id TEXT PRIMARY KEY, a TEXT NOT NULL, b TEXT, c INTEGER,"
    " UNIQUE (a, b)) STRICT",
)
ADDING = [
    "CREATE TABLE another (id TEXT NOT NULL UNIQUE)",
    "ALTER TABLE thing ADD COLUMN d TEXT",
    "ALTER TABLE thing ADD COLUMN d TEXT CHECK (d <> '')",
    "ALTER TABLE thing ADD COLUMN d TEXT NOT NULL DEFAULT 'x'",
    "ALTER TABLE thing ADD COLUMN d TEXT REFERENCES parent (id)",
    "ALTER TABLE thing ADD COLUMN d TEXT; CREATE UNIQUE INDEX u ON thing (a, d)",
    "CREATE INDEX i ON thing (c)",
]
AGAIN = "DROP TABLE thing; CREATE TABLE thing (id TEXT PRIMARY KEY, {}) STRICT"
TAKING = {
    "thing: is gone": "DROP TABLE thing",
    "thing: b is gone": AGAIN.format("a TEXT NOT NULL, c INTEGER, UNIQUE (a, c)"),
    "thing: c is gone": "ALTER TABLE thing RENAME COLUMN c TO d",
    "thing: c is TEXT, was INTEGER": AGAIN.format(
        "a TEXT NOT NULL, b TEXT, c TEXT, UNIQUE (a, b)"
    ),
    "thing: c is demanded": AGAIN.format(
        "a TEXT NOT NULL, b TEXT, c INTEGER NOT NULL, UNIQUE (a, b)"
    ),
    "thing: d is new and demanded": AGAIN.format(
        "a TEXT NOT NULL, b TEXT, c INTEGER, d TEXT NOT NULL, UNIQUE (a, b)"
    ),
    "thing: ['a', 'b'] are no longer unique": AGAIN.format("a TEXT NOT NULL, b TEXT, c INTEGER"),
    "thing: ['b'] have a new rule": "CREATE UNIQUE INDEX u ON thing (b)",
    "thing: ['a', 'd'] have a new rule": "ALTER TABLE thing ADD COLUMN d TEXT DEFAULT 'x';"
                                         " CREATE UNIQUE INDEX u ON thing (a, d)",
    "thing: ['c'] have a new rule": AGAIN.format(
        "a TEXT NOT NULL, b TEXT, c INTEGER REFERENCES parent (id), UNIQUE (a, b)"
    ),
    "thing: a new check: c > 0": AGAIN.format(
        "a TEXT NOT NULL, b TEXT, c INTEGER, UNIQUE (a, b), CONSTRAINT k CHECK (c > 0)"
    ),
    "thing: a new trigger: t": "CREATE TRIGGER t BEFORE DELETE ON thing"
                               " BEGIN SELECT RAISE(ABORT, 'no'); END",
}  # fmt: skip


def found_after(engine, script):
    driver = engine.raw_connection()
    for statement in MADE:
        driver.execute(statement)
    before = expansion.schema(engine)
    driver.executescript(script)
    driver.close()
    return list(expansion.compare(before, expansion.schema(engine)))


@pytest.mark.parametrize("script", ADDING)
def test_what_the_release_before_need_not_know_is_no_finding(engine, script):
    assert found_after(engine, script) == []


@pytest.mark.parametrize("finding", TAKING)
def test_what_the_release_before_would_miss_is_found(engine, finding):
    assert finding in found_after(engine, TAKING[finding])
