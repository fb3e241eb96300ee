"""Many rows in one statement: PostgreSQL is given them as one JSON text, SQLite one by one.

A statement costs more to make than to send, so each is made once for a table and its columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from carport.shared.db import Json, Text

Row = Mapping[str, Any]
Ending = Callable[[Any], Any]
"""What an INSERT does on conflict, or returns: a function of a module, by which it is kept."""


def insert_all(
    tx: sa.Connection, into: sa.Table, rows: Sequence[Row], ending: Ending | None = None
) -> Any:
    """INSERT *rows*, all with the same members and in their order; the result."""
    statement = insertion(tx.dialect.name, into, tuple(rows[0]), ending)
    return tx.execute(statement, given(tx, into, rows))


@cache
def insertion(dialect: str, into: sa.Table, names: tuple[str, ...], ending: Ending | None) -> Any:
    """The statement that INSERTs ``given`` rows with the members *names*."""
    insert: Any = (sqlite if dialect == "sqlite" else postgresql).insert(into)
    if dialect != "sqlite":
        insert = insert.from_select(names, sa.select(*members(into, {n: into.c[n] for n in names})))
    return ending(insert) if ending else insert


def members(table: sa.Table, of: Mapping[str, sa.Column[Any]]) -> list[sa.ColumnElement[Any]]:
    """The members of the rows PostgreSQL is ``given``, each typed as the column it is *of*."""
    is_json = {name: isinstance(column.type, Json) for name, column in of.items()}
    typed = [sa.column(n, postgresql.JSON if is_json[n] else c.type) for n, c in of.items()]
    text = sa.cast(sa.bindparam(table.name, type_=Text), postgresql.JSON)
    rows = sa.func.json_to_recordset(text).table_valued(*typed).render_derived(with_types=True)
    return [sa.cast(rows.c[name], Text) if is_json[name] else rows.c[name] for name in of]


def given(tx: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> Any:
    """The parameters of a statement about *rows* of *table*."""
    return rows if tx.dialect.name == "sqlite" else {table.name: _text(rows)}


def _plain(value: date) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return value.isoformat()


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode
