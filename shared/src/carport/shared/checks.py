"""Invariants as questions to a database: each names the rows of which it is not true.

A check only reads, in the snapshot of its transaction, and holds a few thousand rows at a time.
What is younger than the grace may still be on its way and is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from traceback import clear_frames
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from carport.shared.kernel.clock import utc_now
from carport.shared.retry import is_away

GRACE = timedelta(seconds=60)
FINDINGS_MAX = 100
"""Of one check: the first ones tell where to look."""
PAGE = 5_000
UNHURRIED = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "cursor_tuple_fraction": "1",
    "work_mem": "'64MB'",
}
"""Of PostgreSQL: the checks read whole tables, and one database while another's snapshot waits."""


@dataclass(frozen=True)
class Check:
    """*run* answers a sentence for each row before an instant of which *holds* is not true;
    *remedy* says what to do next. *invariant* is its number in the reliability bar."""

    invariant: str
    holds: str
    remedy: str
    run: Callable[[Any, datetime], Iterable[str]]

    def findings(self, tx: Any, before: datetime) -> Iterator[Finding]:
        """The first ones. Rows that cannot even be read are one; only a database that is away
        raises."""
        try:
            with ExitStack() as savepoints:
                for each in tx.values() if isinstance(tx, Mapping) else [tx]:
                    savepoints.enter_context(each.begin_nested())
                found = self._first(tx, before)
            for number, detail in enumerate(found):
                more = number == FINDINGS_MAX
                yield Finding(self.invariant, "and there are more" if more else detail, self.remedy)
        except Exception as error:  # what was changed by hand may be anything
            if is_away(error):
                raise
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            yield Finding(self.invariant, f"this cannot be checked: {reason}", self.remedy)

    def _first(self, tx: Any, before: datetime) -> list[str]:
        try:
            return list(islice(self.run(tx, before), FINDINGS_MAX + 1))
        except Exception as error:
            clear_frames(error.__traceback__)  # closes their streams while the savepoint is there
            raise


@dataclass(frozen=True)
class Finding:
    """Something that does not hold."""

    invariant: str
    detail: str
    remedy: str


def unhurried(tx: sa.Connection) -> None:
    """Let the statements of *tx* take as long as they need."""
    if tx.dialect.name == "postgresql":
        for name, value in UNHURRIED.items():
            tx.exec_driver_sql(f"SET LOCAL {name} = {value}")


def sentences(checks: Sequence[Check]) -> Callable[[sa.Connection], list[str]]:
    """The ``verify`` of a service: a sentence for everything that does not hold."""

    def verify(tx: sa.Connection) -> list[str]:
        unhurried(tx)
        before = utc_now() - GRACE
        found = (finding for check in checks for finding in check.findings(tx, before))
        return [f"{finding.invariant}: {finding.detail}" for finding in found]

    return verify


def stream(tx: sa.Connection, query: sa.Executable) -> Iterator[Any]:
    """The rows of *query*, however many there are."""
    with tx.execute(query, execution_options={"yield_per": PAGE}) as rows:
        yield from rows


def bytewise(tx: sa.Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """*column* to order by as Python orders text, whatever the database's language."""
    return column.collate("C") if tx.dialect.name == "postgresql" else column


def member(tx: sa.Connection, body: sa.ColumnElement[Any], *path: str) -> sa.ColumnElement[Any]:
    """The text of a member of a JSON document that is kept as text."""
    if tx.dialect.name == "postgresql":
        found: sa.ColumnElement[Any] = sa.cast(body, postgresql.JSON)[path].as_string()
        return found
    return sa.func.json_extract(body, "$." + ".".join(path))


def paired(
    left: Iterable[Any], right: Iterable[Any], key: Callable[[Any], Any] = itemgetter(0)
) -> Iterator[tuple[Any, Any]]:
    """Rows of two streams, each sorted by *key*, side by side; None where one has no such key."""
    ours, theirs = iter(left), iter(right)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and key(one) < key(other)):
            yield one, None
            one = next(ours, None)
        elif one is None or key(other) < key(one):
            yield None, other
            other = next(theirs, None)
        else:
            yield one, other
            one, other = next(ours, None), next(theirs, None)
