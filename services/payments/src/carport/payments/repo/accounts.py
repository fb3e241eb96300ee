"""What payments keeps of accounts' contracts: the highest snapshot, the number as a keyed hash."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from carport.payments.domain.limits import Account
from carport.payments.tables import accounts, payments
from carport.shared.db import insert_if_absent


def keep_boarded(tx: sa.Connection, account_id: str, **values: Any) -> None:
    """Keep what does not change of a contract; a snapshot may have come before."""
    if not insert_if_absent(tx, accounts, id=account_id, version=0, **values):
        tx.execute(accounts.update().where(accounts.c.id == account_id).values(**values))


def keep_snapshot(tx: sa.Connection, snapshot: Mapping[str, Any]) -> bool:
    """Keep *snapshot* unless a newer one is kept; whether it was kept."""
    account_id, version = snapshot["account_id"], snapshot["version"]
    values = {"version": version, "snapshot": dict(snapshot)}
    if insert_if_absent(tx, accounts, id=account_id, **values):
        return True
    older = sa.and_(accounts.c.id == account_id, accounts.c.version < version)
    return tx.execute(accounts.update().where(older).values(**values)).rowcount == 1


def find(tx: sa.Connection, account_id: str) -> Account | None:
    """The account as last told; None before its first snapshot."""
    return _account(_row(tx, accounts.c.id == account_id))


def lock(tx: sa.Connection, account_id: str) -> Account | None:
    """The same, locked: orders for one account are decided one after the other."""
    return _account(_row(tx, accounts.c.id == account_id, lock=True))


def lock_of_payments(tx: sa.Connection, payment_ids: Collection[str]) -> None:
    """Lock the accounts of these payments, in the order of their ids."""
    wanted = sa.select(payments.c.account_id).where(payments.c.id.in_(payment_ids))
    query = sa.select(accounts.c.id).where(accounts.c.id.in_(wanted)).order_by(accounts.c.id)
    tx.execute(query.with_for_update())


def primary_party(tx: sa.Connection, account_id: str) -> str | None:
    """The party that is told of money that comes without a user."""
    row = _row(tx, accounts.c.id == account_id)
    return None if row is None else row["party_id"]


def id_of_number(tx: sa.Connection, number_key: str) -> str | None:
    """The account whose number has this keyed hash."""
    row = _row(tx, accounts.c.number_key == number_key)
    return None if row is None else row["id"]


def _row(
    tx: sa.Connection, condition: sa.ColumnElement[bool], *, lock: bool = False
) -> Mapping[str, Any] | None:
    query = sa.select(accounts).where(condition)
    return tx.execute(query.with_for_update() if lock else query).mappings().first()


def _account(row: Mapping[str, Any] | None) -> Account | None:
    if row is None or row["snapshot"] is None:
        return None
    told = row["snapshot"]
    rate = told["annual_rate"]
    return Account(
        id=row["id"],
        product=told["product"],
        status=told["status"],
        currency=told["currency"],
        as_of=date.fromisoformat(told["as_of"]),
        payoff=told["payoff"],
        principal=told["principal"],
        accrued=Fraction(told["accrued_exact"]),
        accrued_as_of=date.fromisoformat(told["accrued_as_of"]),
        annual_rate=None if rate is None else Decimal(rate),
        day_count=told["day_count"],
        fees_due=told["fees_due"],
        unapplied=told["unapplied"],
    )
