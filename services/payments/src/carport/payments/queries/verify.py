"""What must hold of the payments in this database, checked from the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from carport.payments.domain import states
from carport.payments.domain.states import Settlement, State
from carport.payments.repo import days, payments
from carport.payments.tables import (
    payment_steps,
    processor_calls,
    receipts,
    sandbox_bank_entries,
    sandbox_charges,
)
from carport.payments.tables import payments as table
from carport.shared import business_day

Row = Mapping[str, Any]
TAKEN_BACK = {State.CANCELLED: "cancelled", State.RETURNED: "returned"}


def findings(tx: sa.Connection) -> list[str]:
    """Every invariant that does not hold, one sentence each; empty when all is well."""
    return [
        *_histories(tx),
        *_receipts(tx),
        *_receipts_of_nobody(tx),
        *_days(tx),
        *_charges(tx),
        *_entries(tx),
        *_cases(tx),
    ]


def posted_list(tx: sa.Connection) -> list[dict[str, Any]]:
    """Our own list of what accounts must have booked: one receipt each, reversed or not.

    ``{payment_id, account_id, amount, effective_on, is_reversed}`` of every payment that was
    accepted and was not refused; to be compared with the receipts in accounts' ledger.
    """
    is_refused = sa.and_(
        table.c.state.in_((State.ACCEPTED, State.CANCELLED, State.FAILED)),
        table.c.reason_code.is_not(None),
    )
    query = sa.select(table).where(table.c.accepted_on.is_not(None), ~is_refused)
    return [
        {
            "payment_id": row["id"],
            "account_id": row["account_id"],
            "amount": row["amount"],
            "effective_on": row["effective_on"],
            "is_reversed": row["state"] in TAKEN_BACK,
        }
        for row in tx.execute(query.order_by(table.c.id)).mappings()
    ]


def _histories(tx: sa.Connection) -> Iterator[str]:
    """I-12: only documented transitions, gap-free, ending in the present state."""
    steps = payment_steps
    columns = (steps.c.payment_id, steps.c.seq, steps.c.state, table.c.state.label("now"))
    query = sa.select(*columns).join(table, table.c.id == steps.c.payment_id)
    rows = tx.execute(query.order_by(steps.c.payment_id, steps.c.seq)).mappings()
    for payment_id, group in groupby(rows, key=itemgetter("payment_id")):
        history = list(group)
        for fault in states.faults([(step["seq"], step["state"]) for step in history]):
            yield f"payment {payment_id}: {fault}"
        if history[-1]["state"] != history[-1]["now"]:
            yield f"payment {payment_id} is {history[-1]['now']}, its history says otherwise"


def _receipts(tx: sa.Connection) -> Iterator[str]:
    """I-10: one receipt for what is posted, reversed for what was taken back, none for the rest."""
    columns = (table, receipts.c.amount.label("booked"), receipts.c.posted_at,
               receipts.c.reversed_cause)  # fmt: skip
    joined = sa.select(*columns).outerjoin(receipts, receipts.c.payment_id == table.c.id)
    today = business_day.get(tx).date if business_day.is_open(tx) else None
    for row in tx.execute(joined.order_by(table.c.id)).mappings():
        fault = _receipt_fault(row)
        if fault:
            yield f"payment {row['id']} is {row['state']} {fault}"
        is_late = today and row["accepted_on"] and row["accepted_on"] < today
        if row["state"] == State.ACCEPTED and is_late:
            yield f"payment {row['id']} was accepted on {row['accepted_on']} and is not posted"


def _receipt_fault(row: Row) -> str | None:
    state, is_booked = row["state"], row["posted_at"] is not None
    if is_booked and row["booked"] != row["amount"]:
        return f"with {row['amount']} but accounts booked {row['booked']}"
    if state == State.POSTED and not is_booked:
        return "without a receipt"
    if state in (State.POSTED, State.FAILED) and row["reversed_cause"]:
        return "but its receipt is reversed"
    if state == State.FAILED and is_booked:
        return "but accounts booked it"
    if is_booked and state in TAKEN_BACK and row["reversed_cause"] != TAKEN_BACK[State(state)]:
        return "but its receipt is not reversed for that"
    return None


def _receipts_of_nobody(tx: sa.Connection) -> Iterator[str]:
    """I-11: nothing is posted that nobody asked for."""
    unknown = ~sa.exists().where(table.c.id == receipts.c.payment_id)
    for payment_id in tx.execute(sa.select(receipts.c.payment_id).where(unknown)).scalars():
        yield f"accounts booked payment {payment_id}, which payments does not know"


def _days(tx: sa.Connection) -> Iterator[str]:
    """What was announced of each day is what the payments of that day add up to."""
    for row in days.all_done(tx):
        found = payments.totals(tx, row["date"])
        if found != row["totals"]:
            yield f"day {row['date']} was announced with {row['totals']}, payments say {found}"


def _charges(tx: sa.Connection) -> Iterator[str]:
    """I-21: what the card processor took is what is accepted or still open, to the cent, and
    nothing counts that it did not take."""
    calls = processor_calls
    query = (
        sa.select(sandbox_charges.c.key, sandbox_charges.c.amount.label("taken"), table)
        .outerjoin(calls, calls.c.key == sandbox_charges.c.key)
        .outerjoin(table, table.c.id == calls.c.payment_id)
        .where(sandbox_charges.c.state == "captured")
    )
    for row in tx.execute(query).mappings():
        if row["id"] is None or row["taken"] != row["amount"]:
            yield f"the processor charged {row['taken']} for {row['key']}, payments did not"
        elif row["state"] == State.FAILED:
            yield f"payment {row['id']} failed but the processor keeps {row['taken']}"

    is_held = sa.and_(
        table.c.method_type == "card",
        table.c.state.in_((State.ACCEPTED, State.POSTED)),
        table.c.reason_code.is_(None),  # with one it is being voided
    )
    charged = (
        sa.select(calls.c.payment_id)
        .join(sandbox_charges, sandbox_charges.c.key == calls.c.key)
        .where(sandbox_charges.c.state == "captured")
    )
    for payment_id in tx.execute(_ids(is_held, table.c.id.not_in(charged))).scalars():
        yield f"payment {payment_id} counts but the processor has no charge for it"


def _entries(tx: sa.Connection) -> Iterator[str]:
    """What the bank has of us is what we sent, and the other way round."""
    entries = sandbox_bank_entries
    query = (
        sa.select(entries, table.c.amount.label("ours"), table.c.state.label("payment_state"))
        .outerjoin(table, table.c.id == entries.c.payment_id)
        .order_by(entries.c.payment_id)
    )
    for row in tx.execute(query).mappings():
        if row["ours"] != row["amount"]:
            yield f"the bank has {row['amount']} for {row['payment_id']}, we sent {row['ours']}"
        elif row["payment_state"] == State.CANCELLED:
            yield f"payment {row['payment_id']} is cancelled but its entry is with the bank"
    is_sent = sa.and_(table.c.method_type != "card", table.c.settlement != Settlement.NONE)
    lost = table.c.id.not_in(sa.select(entries.c.payment_id))
    for payment_id in tx.execute(_ids(is_sent, lost)).scalars():
        yield f"payment {payment_id} was sent but the bank has no entry of it"


def _ids(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[str]]:
    return sa.select(table.c.id).where(*conditions).order_by(table.c.id)


def _cases(tx: sa.Connection) -> Iterator[str]:
    """I-22: an answer that does not fit what was asked waits for a person."""
    query = sa.select(processor_calls.c.key).where(processor_calls.c.state == "case")
    for key in tx.execute(query).scalars():
        yield f"the processor's answer to {key} does not fit what was asked"
