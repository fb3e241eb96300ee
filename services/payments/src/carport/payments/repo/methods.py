"""Payment methods as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import sqlalchemy as sa

from carport.payments.domain.payment import Method
from carport.payments.tables import payment_methods

NAMES = tuple(field.name for field in fields(Method))
COLUMNS = tuple(payment_methods.c[name] for name in NAMES)
LISTED_MAX = 100


def add(tx: sa.Connection, method: Method, *, bank_sealed: str | None) -> None:
    """Store a new method; *bank_sealed* holds its numbers, encrypted."""
    values = {name: getattr(method, name) for name in NAMES}
    tx.execute(payment_methods.insert().values(**values, bank_sealed=bank_sealed))


def find(tx: sa.Connection, method_id: str, *, user_id: str | None = None) -> Method | None:
    """A method, whatever its status; with *user_id* only that user's."""
    return _one(tx, _by_id(method_id, user_id))


def lock(tx: sa.Connection, method_id: str, *, user_id: str | None = None) -> Method | None:
    """The same, its row locked until *tx* ends."""
    return _one(tx, _by_id(method_id, user_id).with_for_update())


def of_user(tx: sa.Connection, user_id: str) -> Sequence[Method]:
    """The methods *user_id* has not removed, oldest first."""
    query = (
        sa.select(*COLUMNS)
        .where(payment_methods.c.user_id == user_id, payment_methods.c.status != "deleted")
        .order_by(payment_methods.c.id)
        .limit(LISTED_MAX)
    )
    return [Method(**row) for row in tx.execute(query).mappings()]


def set_status(tx: sa.Connection, method_id: str, status: str) -> None:
    """Move a method to *status*. A removed one keeps its sealed numbers: a file may need them."""
    mine = payment_methods.c.id == method_id
    tx.execute(payment_methods.update().where(mine).values(status=status))


def block(tx: sa.Connection, method_id: str) -> None:
    """No more debits of an account the bank refused; a removed one stays removed."""
    usable = sa.and_(payment_methods.c.id == method_id, payment_methods.c.status == "usable")
    tx.execute(payment_methods.update().where(usable).values(status="blocked"))


def _by_id(method_id: str, user_id: str | None) -> sa.Select[tuple[object, ...]]:
    query = sa.select(*COLUMNS).where(payment_methods.c.id == method_id)
    return query if user_id is None else query.where(payment_methods.c.user_id == user_id)


def _one(tx: sa.Connection, query: sa.Select[tuple[object, ...]]) -> Method | None:
    row = tx.execute(query).mappings().first()
    return None if row is None else Method(**row)
