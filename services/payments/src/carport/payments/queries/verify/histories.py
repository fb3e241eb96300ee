"""Whether each payment went an allowed way, in time, and for somebody who asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from carport.payments import events
from carport.payments.domain import dates, states
from carport.payments.domain.states import Settlement, State
from carport.payments.providers.banking_days import is_banking_day
from carport.payments.tables import bank_returns, payment_steps, processor_calls
from carport.payments.tables import payments as table
from carport.shared import business_day
from carport.shared.checks import Check, member, stream
from carport.shared.idempotency import idempotency_key
from carport.shared.outbox import outbox

CARD_MAX = timedelta(minutes=15)
POSTING_MAX = timedelta(hours=1)
FILE_BANKING_DAYS_MAX = 1
ORDER = "POST /v1/payments"
DATED = {
    State.ACCEPTED: table.c.accepted_on,
    State.CANCELLED: table.c.cancelled_on,
    State.RETURNED: table.c.returned_on,
}
SETTLED_BY = {
    Settlement.SUBMITTED: (table.c.submitted_on,),
    Settlement.SETTLED: (table.c.submitted_on, table.c.settled_on),
    Settlement.CLEARED: (table.c.submitted_on, table.c.settled_on, table.c.cleared_on),
}
WRITTEN = "A payment only moves along its state machine: somebody wrote to the tables."


def illegal(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Histories with gaps or forbidden steps, or that do not end where the payment stands."""
    steps = payment_steps
    query = sa.select(
        table.c.id,
        steps.c.seq,
        steps.c.state,
        table.c.state.label("now"),
        table.c.seq.label("last"),
    ).outerjoin(steps, table.c.id == steps.c.payment_id)
    rows = stream(tx, query.order_by(table.c.id, steps.c.seq))
    for payment_id, group in groupby(rows, key=attrgetter("id")):
        history = list(group)
        end = history[-1]
        if end.seq is None:
            yield f"payment {payment_id} has no history"
            continue
        for fault in states.faults([(step.seq, step.state) for step in history]):
            yield f"payment {payment_id}: {fault}"
        if (end.seq, end.state) != (end.last, end.now):
            yield f"payment {payment_id} is {end.now}, its history says otherwise"


def misdated(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Payments whose days do not say what their history or settlement says."""
    for state, column in DATED.items():
        stepped = sa.exists().where(
            payment_steps.c.payment_id == table.c.id, payment_steps.c.state == state
        )
        wrong = stepped != column.is_not(None)
        for row in stream(tx, sa.select(table.c.id).where(wrong)):
            yield f"payment {row.id}: the day it was {state} does not agree with its history"
    for settlement, columns in SETTLED_BY.items():
        is_missing = sa.or_(*(column.is_(None) for column in columns))
        back = (later < earlier for earlier, later in pairwise(columns))
        query = sa.select(table.c.id).where(table.c.settlement == settlement)
        for row in stream(tx, query.where(sa.or_(is_missing, *back))):
            yield f"payment {row.id} is {settlement} without its days, or in another order"


def stuck(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Payments whose answer, posting or bank file is overdue."""
    last = sa.and_(payment_steps.c.payment_id == table.c.id, payment_steps.c.seq == table.c.seq)
    has_case = sa.exists().where(
        processor_calls.c.payment_id == table.c.id, processor_calls.c.state == "case"
    )
    asked = sa.and_(table.c.state.in_((State.PROCESSING, State.UNKNOWN)), ~has_case,
                    payment_steps.c.at < before - CARD_MAX)  # fmt: skip
    accepted = sa.and_(table.c.state == State.ACCEPTED, table.c.reason_code.is_(None),
                       payment_steps.c.at < before - POSTING_MAX)  # fmt: skip
    query = sa.select(table.c.id, table.c.state, payment_steps.c.at).join(payment_steps, last)
    for row in stream(tx, query.where(sa.or_(asked, accepted))):
        yield f"payment {row.id} is {row.state} since {row.at.isoformat()}"
    if _has_stood(tx, before):
        yield from _overdue(tx, business_day.get(tx).date)


def _has_stood(tx: sa.Connection, before: datetime) -> bool:
    """Whether the open day is old enough for its jobs to have run."""
    done = outbox.c.type == events.DAY_DONE
    last = tx.execute(sa.select(sa.func.max(outbox.c.created_at)).where(done)).scalar()
    return last is not None and last < before and business_day.is_open(tx)


def _overdue(tx: sa.Connection, today: date) -> Iterator[str]:
    late = sa.and_(table.c.state == State.SCHEDULED, table.c.effective_on < today)
    for row in stream(tx, sa.select(table.c.id, table.c.effective_on).where(late)):
        yield f"payment {row.id} is scheduled for {row.effective_on}, which is over"
    unsent = sa.and_(
        table.c.state.in_((State.ACCEPTED, State.POSTED)),
        table.c.settlement == Settlement.NONE,
        table.c.method_type == "bank_account",
        table.c.effective_on < today,
    )
    query = sa.select(table.c.id, table.c.effective_on, table.c.accepted_on).where(unsent)
    for row in stream(tx, query):
        ready = max(row.effective_on, row.accepted_on or row.effective_on)
        file = dates.banking_day_from(ready, is_banking_day)
        if dates.banking_days_after(file, FILE_BANKING_DAYS_MAX, is_banking_day) < today:
            yield f"payment {row.id} should have been in the bank file of {file}"


def unlike_returns(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Returns that were not applied once the payment was posted, and returned payments without."""
    query = sa.select(bank_returns.c.payment_id, bank_returns.c.state, table.c.state.label("now"))
    joined = query.outerjoin(table, table.c.id == bank_returns.c.payment_id)
    is_wrong = sa.or_(
        sa.and_(bank_returns.c.state == "applied",
                sa.or_(table.c.id.is_(None), table.c.state != State.RETURNED)),
        sa.and_(bank_returns.c.state == "waiting", table.c.state != State.ACCEPTED,
                bank_returns.c.received_at < before),
    )  # fmt: skip
    for row in stream(tx, joined.where(is_wrong)):
        yield f"the return of payment {row.payment_id} is {row.state}, the payment {row.now}"
    applied = sa.exists().where(
        bank_returns.c.payment_id == table.c.id, bank_returns.c.state == "applied"
    )
    query = sa.select(table.c.id).where(table.c.state == State.RETURNED, ~applied)
    for row in stream(tx, query):
        yield f"payment {row.id} is returned, and the bank returned nothing"


def unordered(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Payments that no request under a key and no received cheque made."""
    nobody = sa.and_(table.c.user_id.is_(None), table.c.item_key.is_(None))
    for row in stream(tx, sa.select(table.c.id).where(nobody)):
        yield f"payment {row.id} has no user and is no cheque"
    first = sa.select(sa.func.min(idempotency_key.c.created_at)).scalar_subquery()
    ordered = sa.select(table.c.id).where(table.c.user_id.is_not(None), table.c.created_at >= first)
    for row in stream(tx, ordered.except_(sa.select(_answered(tx)).where(_is_order()))):
        yield f"payment {row.id} was answered to no request"


def lost(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Payments a client was told of and that are not there."""
    told = sa.select(_answered(tx)).where(_is_order())
    for row in stream(tx, told.except_(sa.select(table.c.id))):
        yield f"a client was answered payment {row[0]}, which does not exist"


def shared_payments(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Payments that several keys were answered."""
    answered, times = _answered(tx), sa.func.count()
    query = sa.select(answered, times).where(_is_order()).group_by(answered)
    for row in stream(tx, query.having(times > 1)):
        yield f"payment {row[0]} was answered to {row[1]} keys"


def _answered(tx: sa.Connection) -> sa.ColumnElement[Any]:
    return member(tx, idempotency_key.c.body, "id")


def _is_order() -> sa.ColumnElement[bool]:
    return sa.and_(idempotency_key.c.operation == ORDER, idempotency_key.c.status == 202)


def repeated_cheques(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Cheques that were credited twice, or whose item nobody could find again."""
    times = sa.func.count()
    query = sa.select(table.c.item_key, times).where(table.c.item_key.is_not(None))
    for row in stream(tx, query.group_by(table.c.item_key).having(times > 1)):
        yield f"cheque {row.item_key} was credited {row[1]} times"
    nameless = sa.and_(table.c.method_type == "cheque", table.c.item_key.is_(None))
    for row in stream(tx, sa.select(table.c.id).where(nameless)):
        yield f"cheque {row.id} has no item key"


CHECKS = (
    Check("I-12", "Every payment's history is gap-free, takes only documented steps and ends where "
          "the payment stands.", WRITTEN, illegal),
    Check("I-12", "The days of a payment agree with its history and its settlement.", WRITTEN,
          misdated),
    Check("I-13", "No payment waits longer than it may: 15 minutes for the card processor, an hour "
          "for the ledger, one banking day for its bank file.", "See that payments-worker runs, "
          "then `carport events list`. A card payment that stays unknown is asked for again by "
          "itself; tell the processor.", stuck),
    Check("I-15", "A bank return and a returned payment go together.", "A return that waits is "
          "applied when its payment is posted; look for the payment's events in `carport events "
          "list`.", unlike_returns),
    Check("I-10", "Every payment that was answered to a client exists.", "Restore payments from a "
          "backup: the client was promised this payment.", lost),
    Check("I-11", "Every payment was ordered by a request under a key, or is a received cheque.",
          "Nobody asked for it: return the money, and find out who wrote the row.", unordered),
    Check("I-16", "One idempotency key, one payment.", "Two requests share a payment: one of the "
          "two clients was told of money it did not order.", shared_payments),
    Check("I-20", "A cheque is credited once.", "A unique key was dropped. Restore it by `migrate` "
          "and return the second credit.", repeated_cheques),
)  # fmt: skip
