"""Payments, their history and their receipts as rows. A change of state is also a new step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.payments.domain import states
from carport.payments.domain.payment import Payment
from carport.payments.domain.states import Settlement, State
from carport.payments.tables import payment_steps, payments, receipts
from carport.shared.db import insert_if_absent

NAMES = tuple(field.name for field in fields(Payment))


def add(tx: sa.Connection, payment: Payment) -> None:
    """Store a new payment and the first step of its history."""
    states.check(None, payment.state)
    tx.execute(payments.insert().values({name: getattr(payment, name) for name in NAMES}))
    _add_step(tx, payment, payment.created_at)


def move(tx: sa.Connection, payment: Payment, to: State, now: datetime, **changes: Any) -> Payment:
    """The locked *payment* in state *to*. Raises IllegalTransition for one that does not exist."""
    states.check(payment.state, to)
    moved = replace(payment, state=to, seq=payment.seq + 1, **changes)
    _store(tx, payment, moved)
    _add_step(tx, moved, now)
    return moved


def settle(tx: sa.Connection, payment: Payment, **changes: Any) -> Payment:
    """The locked *payment* one settlement further, with the day of it in *changes*."""
    moved = replace(payment, settlement=states.NEXT_SETTLEMENT[payment.settlement], **changes)
    _store(tx, payment, moved)
    return moved


def note(tx: sa.Connection, payment: Payment, **changes: Any) -> Payment:
    """The locked *payment* with *changes* that are no change of state."""
    noted = replace(payment, **changes)
    _store(tx, payment, noted)
    return noted


def find(tx: sa.Connection, payment_id: str) -> Payment | None:
    """A payment by id."""
    return _one(tx, sa.select(payments).where(payments.c.id == payment_id))


def lock(tx: sa.Connection, payment_id: str) -> Payment | None:
    """A payment by id, its row locked until *tx* ends."""
    return _one(tx, sa.select(payments).where(payments.c.id == payment_id).with_for_update())


def find_item(tx: sa.Connection, item_key: str) -> Payment | None:
    """The payment a cheque has become."""
    return _one(tx, sa.select(payments).where(payments.c.item_key == item_key))


def of_accounts(account_ids: Collection[str]) -> sa.Select[Any]:
    """The payments of *account_ids*, to be paged."""
    return sa.select(payments).where(payments.c.account_id.in_(account_ids))


def steps(tx: sa.Connection, ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """The history of each of *ids*, oldest step first."""
    query = (
        sa.select(payment_steps)
        .where(payment_steps.c.payment_id.in_(ids))
        .order_by(payment_steps.c.payment_id, payment_steps.c.seq)
    )
    found: dict[str, list[dict[str, Any]]] = {payment_id: [] for payment_id in ids}
    for row in tx.execute(query).mappings():
        found[row["payment_id"]].append(dict(row))
    return found


def in_flight(tx: sa.Connection, account_id: str) -> int:
    """Cents ordered for *account_id* that its snapshot may not show yet."""
    return _sum(
        tx,
        payments.c.account_id == account_id,
        payments.c.state.in_(states.IN_FLIGHT),
    )


def is_needed(tx: sa.Connection, method_id: str) -> bool:
    """Whether a payment still to be made uses *method_id*."""
    waiting = (State.SCHEDULED, State.PROCESSING, State.UNKNOWN)
    query = sa.select(payments.c.id).where(
        payments.c.method_id == method_id, payments.c.state.in_(waiting)
    )
    return tx.execute(query.limit(1)).first() is not None


def due_ids(tx: sa.Connection, day: date, *, limit: int, first: str = "") -> Sequence[str]:
    """Scheduled payments whose calendar date *day* is or was, oldest first, from *first* on."""
    is_due = sa.and_(payments.c.state == State.SCHEDULED, payments.c.effective_on <= day)
    return _ids(tx, is_due, first=first, limit=limit)


def scheduled_of(tx: sa.Connection, account_id: str, *, limit: int) -> Sequence[str]:
    """Scheduled payments of an account, oldest first."""
    mine = sa.and_(payments.c.state == State.SCHEDULED, payments.c.account_id == account_id)
    return _ids(tx, mine, first="", limit=limit)


def to_submit(tx: sa.Connection, file_date: date, *, limit: int, first: str = "") -> Sequence[str]:
    """Bank payments that belong into the file of *file_date*, a banking day, or an earlier one."""
    is_due = sa.and_(
        _stands_at(Settlement.NONE),
        payments.c.method_type == "bank_account",
        payments.c.effective_on <= file_date,
    )
    return _ids(tx, is_due, first=first, limit=limit)


def submitted_before(tx: sa.Connection, day: date, *, limit: int, first: str = "") -> Sequence[str]:
    """Payments in files before *day* that have not settled."""
    is_due = sa.and_(_stands_at(Settlement.SUBMITTED), payments.c.submitted_on < day)
    return _ids(tx, is_due, first=first, limit=limit)


def settled_by(tx: sa.Connection, day: date, *, limit: int, first: str = "") -> Sequence[str]:
    """Payments settled on *day* or before that have not cleared."""
    is_due = sa.and_(_stands_at(Settlement.SETTLED), payments.c.settled_on <= day)
    return _ids(tx, is_due, first=first, limit=limit)


def unsettled(tx: sa.Connection, *, limit: int) -> Sequence[str]:
    """Payments that count and whose money has not settled, oldest first."""
    is_open = sa.or_(
        sa.and_(_stands_at(Settlement.NONE), payments.c.method_type == "bank_account"),
        _stands_at(Settlement.SUBMITTED),
    )
    return _ids(tx, is_open, first="", limit=limit)


def totals(tx: sa.Connection, day: date) -> dict[str, int]:
    """Cents accepted, cancelled after acceptance, and returned on business date *day*."""
    was_accepted = payments.c.accepted_on.is_not(None)
    return {
        "accepted": _sum(tx, payments.c.accepted_on == day),
        "cancelled": _sum(tx, payments.c.cancelled_on == day, was_accepted),
        "returned": _sum(tx, payments.c.returned_on == day),
    }


def receipts_of(tx: sa.Connection, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The receipts that accounts has told of, by payment."""
    query = sa.select(receipts).where(receipts.c.payment_id.in_(ids))
    return {row["payment_id"]: row for row in tx.execute(query).mappings()}


def put_receipt(tx: sa.Connection, payment_id: str, **values: Any) -> None:
    """Add to what is known of a receipt."""
    if not insert_if_absent(tx, receipts, payment_id=payment_id, **values):
        mine = receipts.c.payment_id == payment_id
        tx.execute(receipts.update().where(mine).values(**values))


def _store(tx: sa.Connection, before: Payment, after: Payment) -> None:
    changed = {n: getattr(after, n) for n in NAMES if getattr(after, n) != getattr(before, n)}
    tx.execute(payments.update().where(payments.c.id == before.id).values(changed))


def _add_step(tx: sa.Connection, payment: Payment, at: datetime) -> None:
    tx.execute(
        payment_steps.insert().values(
            payment_id=payment.id, seq=payment.seq, state=payment.state, at=at
        )
    )


def _one(tx: sa.Connection, query: sa.Select[Any]) -> Payment | None:
    row = tx.execute(query).mappings().first()
    return None if row is None else of_row(row)


def of_row(row: Mapping[str, Any]) -> Payment:
    """The payment in *row*."""
    values = {name: row[name] for name in NAMES}
    values["state"] = State(row["state"])
    values["settlement"] = Settlement(row["settlement"])
    return Payment(**values)


def _sum(tx: sa.Connection, *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(payments.c.amount), 0)).where(*conditions)
    return int(tx.execute(query).scalar_one())


def _stands_at(settlement: Settlement) -> sa.ColumnElement[bool]:
    counting = payments.c.state.in_((State.ACCEPTED, State.POSTED))
    return sa.and_(payments.c.settlement == settlement, counting)


def _ids(
    tx: sa.Connection, condition: sa.ColumnElement[bool], *, first: str, limit: int
) -> Sequence[str]:
    query = sa.select(payments.c.id).where(condition, payments.c.id >= first)
    return tx.execute(query.order_by(payments.c.id).limit(limit)).scalars().all()
