"""Whether payments and what accounts told of their receipts agree, one by one and by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from carport.payments import events
from carport.payments.domain.states import State
from carport.payments.repo import days
from carport.payments.tables import payment_steps, receipts
from carport.payments.tables import payments as table
from carport.shared import business_day
from carport.shared.checks import Check, bytewise, stream
from carport.shared.outbox import outbox

TAKEN_BACK = {State.CANCELLED: "cancelled", State.RETURNED: "returned"}
IS_LAST = sa.and_(payment_steps.c.payment_id == table.c.id, payment_steps.c.seq == table.c.seq)
LOOK = "`carport events list` shows what is not done; `carport events replay ID` tries it again."


class Posted(NamedTuple):
    """A payment accounts must have booked; *changed_at* is its last step."""

    payment_id: str
    account_id: str
    amount: int
    is_reversed: bool
    changed_at: datetime | None


def posted_list(tx: sa.Connection) -> Iterator[Posted]:
    """Our own list of what accounts must have booked, by id: one receipt of each payment that was
    accepted and not refused."""
    is_refused = sa.and_(
        table.c.state.in_((State.ACCEPTED, State.CANCELLED, State.FAILED)),
        table.c.reason_code.is_not(None),
    )
    query = (
        sa.select(table.c.id, table.c.account_id, table.c.amount, table.c.state,
                  payment_steps.c.at)
        .outerjoin(payment_steps, IS_LAST)
        .where(table.c.accepted_on.is_not(None), ~is_refused)
        .order_by(bytewise(tx, table.c.id))
    )  # fmt: skip
    for row in stream(tx, query):
        yield Posted(row.id, row.account_id, row.amount, row.state in TAKEN_BACK, row.at)


def unlike_receipts(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Payments that stand otherwise than the receipts accounts told of."""
    columns = (table.c.id, table.c.state, table.c.amount, table.c.accepted_on,
               receipts.c.amount.label("booked"), receipts.c.posted_at,
               receipts.c.reversed_cause)  # fmt: skip
    query = (
        sa.select(*columns)
        .outerjoin(receipts, receipts.c.payment_id == table.c.id)
        .outerjoin(payment_steps, IS_LAST)
        .where(sa.or_(payment_steps.c.at.is_(None), payment_steps.c.at < before))
    )
    today = business_day.get(tx).date if business_day.is_open(tx) else None
    for row in stream(tx, query):
        fault = _fault(row)
        if fault:
            yield f"payment {row.id} is {row.state} {fault}"
        is_late = today and row.accepted_on and row.accepted_on < today
        if row.state == State.ACCEPTED and is_late:
            yield f"payment {row.id} was accepted on {row.accepted_on} and is not posted"


def _fault(row: Any) -> str | None:
    state, is_booked = row.state, row.posted_at is not None
    if is_booked and row.booked != row.amount:
        return f"with {row.amount} but accounts booked {row.booked}"
    if state == State.POSTED and not is_booked:
        return "without a receipt"
    if state in (State.POSTED, State.FAILED) and row.reversed_cause:
        return "but its receipt is reversed"
    if state == State.FAILED and is_booked:
        return "but accounts booked it"
    if is_booked and state in TAKEN_BACK and row.reversed_cause != TAKEN_BACK[State(state)]:
        return "but its receipt is not reversed for that"
    return None


def of_nobody(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Receipts of payments nobody here knows."""
    unknown = ~sa.exists().where(table.c.id == receipts.c.payment_id)
    for row in stream(tx, sa.select(receipts.c.payment_id).where(unknown)):
        yield f"accounts booked payment {row.payment_id}, which payments does not know"


def misallocated(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Receipts whose parts do not add up to the payment."""
    query = sa.select(receipts.c.payment_id, receipts.c.amount, receipts.c.allocation)
    for row in stream(tx, query.where(receipts.c.allocation.is_not(None))):
        parts = sum(row.allocation.values())
        if parts != row.amount:
            yield f"payment {row.payment_id} brought {row.amount}, its parts add up to {parts}"


def unlike_days(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Days that were announced with other sums or numbers than the payments of that day have."""
    sums = {name: _sums(tx, column) for name, column in (
        ("accepted", table.c.accepted_on), ("cancelled", table.c.cancelled_on),
        ("returned", table.c.returned_on))}  # fmt: skip
    said = _numbers(tx)
    for row in days.all_done(tx):
        day = row["date"]
        found = {name: by_day.get(day, 0) for name, by_day in sums.items()}
        if found != row["totals"]:
            yield f"day {day} was announced with {row['totals']}, payments say {found}"
        numbers = {type_: said.get((day, type_), 0) for type_ in row["events"]}
        if said and numbers != row["events"]:
            yield f"day {day} was announced with {row['events']}, the outbox has {numbers}"


def _sums(tx: sa.Connection, day: sa.ColumnElement[date]) -> dict[date, int]:
    query = sa.select(day, sa.func.sum(table.c.amount)).where(
        day.is_not(None), table.c.accepted_on.is_not(None)
    )
    return {row[0]: int(row[1]) for row in stream(tx, query.group_by(day))}


def _numbers(tx: sa.Connection) -> dict[tuple[date, str], int]:
    query = sa.select(outbox.c.businessdate, outbox.c.type, sa.func.count()).where(
        outbox.c.type.in_(events.COUNTED), outbox.c.businessdate.is_not(None)
    )
    grouped = query.group_by(outbox.c.businessdate, outbox.c.type)
    return {(row[0], row[1]): row[2] for row in stream(tx, grouped)}


CHECKS = (
    Check("I-10", "What is posted has one receipt of its cents; what was taken back has it "
          "reversed for that; nothing else has one.", LOOK, unlike_receipts),
    Check("I-11", "Accounts booked no payment that nobody here knows.", "Compare with the I-11 "
          "checks of accounts; a receipt of nobody has to be reversed by staff.", of_nobody),
    Check("I-23", "The parts of every receipt add up to the payment.", "accounts derives the "
          "parts: run its I-23 and I-24 checks.", misallocated),
    Check("I-26", "Each day was announced with the sums and the number of events that payments "
          "have of it.", "Something was dated on a day that was done: accounts closed it without. "
          "Find it by its date, and tell who keeps the books.", unlike_days),
)  # fmt: skip
