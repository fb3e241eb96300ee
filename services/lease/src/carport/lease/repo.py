"""Rows of lease to values and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.lease.domain.lease import Standing, Terms
from carport.lease.domain.milestones import notice_window
from carport.lease.tables import (
    accounts,
    closings,
    day_ends,
    leases,
    notices,
    payments,
    snapshots,
)
from carport.shared.db import insert_if_absent
from carport.shared.errors import NotYet

LEASE = "lease"
PAID_OFF = "paid_off"


def is_lease(tx: sa.Connection, account_id: str) -> bool:
    """Whether the account is a lease. Raises NotYet before it has been announced."""
    query = sa.select(accounts.c.product).where(accounts.c.account_id == account_id)
    product = tx.execute(query).scalar()
    if product is None:
        raise NotYet("the account has not been announced")
    return bool(product == LEASE)


def store_account(tx: sa.Connection, account_id: str, product: str) -> None:
    """What the account is; it never changes."""
    insert_if_absent(tx, accounts, account_id=account_id, product=product)


def store_terms(tx: sa.Connection, terms: Terms) -> None:
    """Terms never change: a second announcement is the first one again."""
    insert_if_absent(tx, leases, **asdict(terms))


def store_snapshot(tx: sa.Connection, account_id: str, version: int, **values: Any) -> None:
    """Where the lease stands; the highest *version* wins."""
    if insert_if_absent(tx, snapshots, account_id=account_id, version=version, **values):
        return
    older = sa.and_(snapshots.c.account_id == account_id, snapshots.c.version < version)
    tx.execute(snapshots.update().where(older).values(version=version, **values))


def store_closing(
    tx: sa.Connection, account_id: str, event_id: str, paid_off_on: date | None
) -> None:
    """The lease was paid off, or with None reopened; the latest event wins (ids sort by time)."""
    values = {"event_id": event_id, "paid_off_on": paid_off_on}
    if insert_if_absent(tx, closings, account_id=account_id, **values):
        return
    older = sa.and_(closings.c.account_id == account_id, closings.c.event_id < event_id)
    tx.execute(closings.update().where(older).values(values))


def store_payment(tx: sa.Connection, data: Mapping[str, Any], *, is_reversed: bool) -> None:
    """A payment the ledger posted or took back; taken back stays so, whichever comes first."""
    values = {
        "account_id": data["account_id"],
        "amount": data["amount"],
        "effective_on": date.fromisoformat(data["effective_on"]),
        "is_reversed": is_reversed,
    }
    is_new = insert_if_absent(tx, payments, payment_id=data["payment_id"], **values)
    if is_reversed and not is_new:
        mine = payments.update().where(payments.c.payment_id == data["payment_id"])
        tx.execute(mine.values(is_reversed=True))


def terms(tx: sa.Connection, account_id: str) -> Terms | None:
    """None for what is no lease, or not announced yet."""
    row = tx.execute(sa.select(leases).where(leases.c.account_id == account_id)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    return Terms(**{**values, "adjusted_balances": tuple(values["adjusted_balances"])})


def standing(tx: sa.Connection, account_id: str, as_of: date) -> Standing | None:
    """None before the first snapshot."""
    query = (
        sa.select(snapshots, closings.c.paid_off_on)
        .outerjoin(closings, closings.c.account_id == snapshots.c.account_id)
        .where(snapshots.c.account_id == account_id)
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    return Standing(
        as_of=as_of,
        maturity_date=row.maturity_date,
        is_open=row.status != PAID_OFF and row.paid_off_on is None,
        unpaid=row.unpaid,
        adjusted_balance=row.adjusted_balance,
        oldest_unpaid_due=row.oldest_unpaid_due,
        payments_remaining=row.payments_remaining,
        flags=frozenset(row.flags),
        paid_off_on=row.paid_off_on,
    )


def last_payment(tx: sa.Connection, account_id: str) -> dict[str, Any] | None:
    """``{amount, effective_on}`` of the latest payment that stands."""
    mine = sa.and_(payments.c.account_id == account_id, payments.c.is_reversed.is_(sa.false()))
    latest = (payments.c.effective_on.desc(), payments.c.payment_id.desc())
    query = sa.select(payments.c.amount, payments.c.effective_on).where(mine).order_by(*latest)
    row = tx.execute(query.limit(1)).mappings().first()
    return dict(row) if row else None


def leases_to_notify(tx: sa.Connection, as_of: date, limit: int) -> list[str]:
    """Accounts of open leases that have a notice due which was not given, at most *limit*."""
    windows = [_in_window(*window) for window in notice_window(as_of)]
    query = (
        sa.select(snapshots.c.account_id)
        .outerjoin(closings, closings.c.account_id == snapshots.c.account_id)
        .where(
            snapshots.c.status != PAID_OFF,
            closings.c.paid_off_on.is_(None),
            sa.or_(*windows),
        )
        .order_by(snapshots.c.account_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def _in_window(notice: int, first: date, last: date) -> sa.ColumnElement[bool]:
    given = sa.exists().where(
        notices.c.account_id == snapshots.c.account_id,
        notices.c.maturity_date == snapshots.c.maturity_date,
        notices.c.notice_days == notice,
    )
    return sa.and_(snapshots.c.maturity_date.between(first, last), ~given)


def record_notice(
    tx: sa.Connection, account_id: str, maturity_date: date, notice: int, given_on: date
) -> bool:
    """False when that notice has been given already."""
    values = {"account_id": account_id, "maturity_date": maturity_date, "notice_days": notice}
    return insert_if_absent(tx, notices, **values, given_on=given_on)


def announce_day_end(tx: sa.Connection, day: date, next_local_time: str, now: datetime) -> None:
    """accounts wants *day* ended."""
    values = {"date": day, "next_local_time": next_local_time, "announced_at": now}
    insert_if_absent(tx, day_ends, **values)


def announced_day_end(tx: sa.Connection, day: date) -> str | None:
    """The local time the day after *day* stands at, when accounts wants *day* ended."""
    query = sa.select(day_ends.c.next_local_time).where(day_ends.c.date == day)
    return tx.execute(query).scalar()
