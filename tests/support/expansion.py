"""What a migration takes from the release before it, which still runs while it is made.

The schema after each revision is compared with the one before it: only additions that the release
before need not know of are harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from carport.shared import migrate

TRIGGERS = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c"
                  " ON c.oid = t.tgrelid WHERE NOT t.tgisinternal",
}  # fmt: skip
HARMLESS = {
    ("payments", "0003", "a new trigger"): "nothing ever changed or deleted what was said",
}
"""What a revision takes that the release before it did not use, with the reason."""
Columns = frozenset[str]


@dataclass
class Column:
    type: str
    is_nullable: bool
    has_default: bool

    @property
    def may_be_left_out(self) -> bool:
        return self.is_nullable or self.has_default


@dataclass
class Table:
    columns: dict[str, Column]
    unique: set[Columns]
    references: set[Columns]
    checks: set[str]
    triggers: set[str] = field(default_factory=set)


def shrinking(engine: sa.Engine, service: Any) -> Iterator[tuple[str, str]]:
    """(revision, finding) of the own tree of *service*, or of the spine's; from nothing on."""
    name = service.name if service else "spine"
    before = schema(engine)
    for step in migrate.revisions(service):
        if service is None:
            migrate.upgrade_spine(engine, step.revision)
        else:
            migrate.upgrade(engine, service, step.revision)
        after = schema(engine)
        for finding in compare(before, after):
            if (name, step.revision, finding.split(": ")[1]) not in HARMLESS:
                yield step.revision, finding
        before = after


def schema(engine: sa.Engine) -> dict[str, Table]:
    """All tables as the database knows them."""
    look = sa.inspect(engine)
    found = {name: _table(look, name) for name in look.get_table_names()}
    with engine.connect() as connection:
        for table, trigger in connection.exec_driver_sql(TRIGGERS[engine.dialect.name]):
            found[table].triggers.add(trigger)
    return found


def _table(look: sa.Inspector, name: str) -> Table:
    key = look.get_pk_constraint(name)["constrained_columns"]
    unique = [each["column_names"] for each in look.get_unique_constraints(name)]
    unique += [each["column_names"] for each in look.get_indexes(name) if each["unique"]]
    return Table(
        {each["name"]: Column(str(each["type"]), each["nullable"], each["default"] is not None)
         for each in look.get_columns(name)},
        {frozenset(columns) for columns in [key, *unique]},
        {frozenset(each["constrained_columns"]) for each in look.get_foreign_keys(name)},
        {each["sqltext"] for each in look.get_check_constraints(name)},
    )  # fmt: skip


def compare(before: dict[str, Table], after: dict[str, Table]) -> Iterator[str]:
    """What of *before* one cannot rely on any more."""
    for name, old in before.items():
        if name not in after:
            yield f"{name}: is gone"
            continue
        for finding in (*_columns(old, after[name]), *_rules(old, after[name])):
            yield f"{name}: {finding}"


def _columns(old: Table, new: Table) -> Iterator[str]:
    for name, was in old.columns.items():
        now = new.columns.get(name)
        if now is None:
            yield f"{name} is gone"
        elif now.type != was.type:
            yield f"{name} is {now.type}, was {was.type}"
        elif was.is_nullable > now.is_nullable or was.may_be_left_out > now.may_be_left_out:
            yield f"{name} is demanded"
    for name in new.columns.keys() - old.columns:
        if not new.columns[name].may_be_left_out:
            yield f"{name} is new and demanded"


def _rules(old: Table, new: Table) -> Iterator[str]:
    empty = {name for name in new.columns.keys() - old.columns if new.columns[name].is_nullable
             and not new.columns[name].has_default}  # fmt: skip
    for columns in old.unique - new.unique:
        yield f"{sorted(columns)} are no longer unique"
    for columns in (new.unique - old.unique) | (new.references - old.references):
        if not columns & empty:
            yield f"{sorted(columns)} have a new rule"
    for check in new.checks - old.checks:
        if set(re.findall(r"\w+", check)) & old.columns.keys():
            yield f"a new check: {check}"
    for trigger in new.triggers - old.triggers:
        yield f"a new trigger: {trigger}"
