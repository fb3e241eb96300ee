"""Whether what happened was said, and nothing else: a fact and its event commit together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.shared.checks import Check, member, stream
from carport.shared.outbox import outbox

REMEDY = (
    "Rows were written or events removed past the service: restore them from a backup. Consumers "
    "take an event that comes again once."
)


@dataclass(frozen=True)
class Fact:
    """Rows *where* something happened, each with one event of *type*: *name* is what the row calls
    it, *said* what the event calls it. *kept*: the outbox goes back that far."""

    type: str
    name: sa.ColumnElement[Any]
    said: sa.ColumnElement[Any]
    where: sa.ColumnElement[bool]
    kept: sa.ColumnElement[bool]

    @property
    def happened(self) -> sa.Select[Any]:
        """The names of what happened."""
        return sa.select(self.name).where(self.where)

    @property
    def told(self) -> sa.Select[Any]:
        """The names of what was told."""
        return sa.select(self.said).where(outbox.c.type == self.type)


Facts = Callable[[sa.Connection], Iterable[Fact]]


def kept(at: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether the outbox goes back to *at*."""
    return at >= sa.select(sa.func.min(outbox.c.created_at)).scalar_subquery()


def of_data(tx: sa.Connection, *names: str) -> sa.ColumnElement[Any]:
    """Members of an event's data, with colons between them."""
    first, *rest = (sa.cast(member(tx, outbox.c.body, "data", name), sa.Text) for name in names)
    joined: sa.ColumnElement[Any] = first
    for each in rest:
        joined = joined + ":" + each
    return joined


def unsaid(facts: Facts) -> Check:
    """That every fact was said."""

    def find_unsaid(tx: sa.Connection, _before: datetime) -> Iterator[str]:
        for fact in facts(tx):
            for row in stream(tx, fact.happened.where(fact.kept).except_(fact.told)):
                yield f"{row[0]} happened, and no {fact.type} says so"

    return Check("I-25", "Everything that has to be said was said.", REMEDY, find_unsaid)


def untrue(facts: Facts) -> Check:
    """That nothing else was said, and nothing twice."""
    times = sa.func.count()

    def find_untrue(tx: sa.Connection, _before: datetime) -> Iterator[str]:
        for fact in facts(tx):
            for row in stream(tx, fact.told.except_(fact.happened)):
                yield f"a {fact.type} tells of {row[0]}, which did not happen"
            repeated = fact.told.add_columns(times).group_by(fact.said).having(times > 1)
            for row in stream(tx, repeated):
                yield f"{row[1]} events {fact.type} tell of {row[0]}"

    return Check("I-25", "What was said happened, and was said once.", REMEDY, find_untrue)
