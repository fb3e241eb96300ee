"""Triggers for migrations: what a table refuses, in both databases, whoever asks.

A table that only grows is declared so where it is defined (``db.table(…, append_only=True)``); its
migration calls ``append_only`` here, and the application's role is not granted the change at all.
"""

from __future__ import annotations

from alembic import op

CHANGES = ("UPDATE", "DELETE", "TRUNCATE")
SQLITE = """
CREATE TRIGGER {name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
POSTGRESQL_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {guard} RAISE EXCEPTION '{message}'; {end} END $$
"""
POSTGRESQL = """
CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()
"""


def append_only(table: str) -> None:
    """Rows of *table* are never changed or removed."""
    for event in CHANGES:
        refuse(table, event, f"{table} is append-only")


def changeable(table: str) -> None:
    """The way back."""
    for event in CHANGES:
        allow(table, event)


def refuse(table: str, event: str, message: str, *, when: str = "") -> None:
    """A trigger that raises *message* on *event* of *table*, with *when* only for such rows."""
    name = _name(table, event)
    values = {"name": name, "event": event, "table": table, "message": message}
    if _is_sqlite():
        if event != "TRUNCATE":
            op.execute(SQLITE.format(**values, when=f"WHEN {when}" if when else ""))
        return
    guard, end = (f"IF {when} THEN", "END IF; RETURN NEW;") if when else ("", "")
    op.execute(POSTGRESQL_FUNCTION.format(**values, guard=guard, end=end))
    op.execute(POSTGRESQL.format(**values, each="STATEMENT" if event == "TRUNCATE" else "ROW"))


def allow(table: str, event: str) -> None:
    """Drop what ``refuse`` made."""
    name = _name(table, event)
    if _is_sqlite():
        op.execute(f"DROP TRIGGER IF EXISTS {name}")
    else:
        op.execute(f"DROP FUNCTION {name}() CASCADE")


def _name(table: str, event: str) -> str:
    return f"{table}_refuse_{event.lower()}"


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
