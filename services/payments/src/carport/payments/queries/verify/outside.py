"""Whether the processor and the bank have of us what we believe; the sandbox's tell by tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from carport.payments.domain.states import Settlement, State
from carport.payments.tables import payments as table
from carport.payments.tables import processor_calls as calls
from carport.payments.tables import sandbox_bank_entries as entries
from carport.payments.tables import sandbox_charges as charges
from carport.shared import db
from carport.shared.checks import Check, stream

EXPLAIN = "Explain the difference to the cent with the provider's own file, then correct it there."


def unlike_charges(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Charges that are not ours to the cent, and payments that count without one."""
    if not db.settings(tx).is_sandbox:
        return
    query = (
        sa.select(charges.c.key, charges.c.amount.label("taken"), table.c.id, table.c.amount,
                  table.c.state)
        .outerjoin(calls, calls.c.key == charges.c.key)
        .outerjoin(table, table.c.id == calls.c.payment_id)
        .where(charges.c.state == "captured")
        .where(sa.or_(table.c.id.is_(None), table.c.amount != charges.c.amount,
                      table.c.state == State.FAILED))
    )  # fmt: skip
    for row in stream(tx, query):
        if row.amount == row.taken:
            yield f"payment {row.id} failed but the processor keeps {row.taken}"
        else:
            yield f"the processor charged {row.taken} for {row.key}, payments did not"
    is_held = sa.and_(
        table.c.method_type == "card",
        table.c.state.in_((State.ACCEPTED, State.POSTED)),
        table.c.reason_code.is_(None),  # with one it is being voided
    )
    charged = sa.exists().where(
        calls.c.payment_id == table.c.id, charges.c.key == calls.c.key,
        charges.c.state == "captured",
    )  # fmt: skip
    for row in stream(tx, sa.select(table.c.id).where(is_held, ~charged)):
        yield f"payment {row.id} counts but the processor has no charge for it"


def unlike_entries(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Entries the bank has of us that we did not send, and the other way round."""
    if not db.settings(tx).is_sandbox:
        return
    query = sa.select(entries.c.payment_id, entries.c.amount, table.c.amount.label("ours"))
    joined = query.outerjoin(table, table.c.id == entries.c.payment_id)
    is_other = sa.or_(table.c.id.is_(None), table.c.amount != entries.c.amount)
    for row in stream(tx, joined.where(is_other)):
        yield f"the bank has {row.amount} for {row.payment_id}, we sent {row.ours}"
    for row in stream(tx, joined.where(table.c.state == State.CANCELLED)):
        yield f"payment {row.payment_id} is cancelled but its entry is with the bank"
    is_sent = sa.and_(table.c.method_type != "card", table.c.settlement != Settlement.NONE)
    known = sa.exists().where(entries.c.payment_id == table.c.id)
    for row in stream(tx, sa.select(table.c.id).where(is_sent, ~known)):
        yield f"payment {row.id} was sent but the bank has no entry of it"


def open_cases(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Answers of the processor that do not fit what was asked."""
    for row in stream(tx, sa.select(calls.c.key).where(calls.c.state == "case")):
        yield f"the processor's answer to {row.key} does not fit what was asked"


def uncaptured(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Card payments that count though their capture was not answered as asked."""
    done = sa.exists().where(
        calls.c.payment_id == table.c.id, calls.c.kind == "capture", calls.c.state == "done",
        calls.c.answer == "captured",
    )  # fmt: skip
    counts = sa.and_(table.c.method_type == "card", table.c.accepted_on.is_not(None))
    for row in stream(tx, sa.select(table.c.id).where(counts, ~done)):
        yield f"payment {row.id} was accepted without the answer that was asked for"


CHECKS = (
    Check("I-21", "What the card processor took is what is accepted or still open, to the cent "
          "(sandbox).", EXPLAIN, unlike_charges),
    Check("I-21", "What the bank has of us is what we sent (sandbox).", EXPLAIN, unlike_entries),
    Check("I-22", "No answer of the processor waits for a person.", "Ask the processor what it did "
          "for this key, and settle the payment by hand.", open_cases),
    Check("I-22", "No card payment counts but by an answer that was asked for.", "Ask the "
          "processor what it took; the payment must not stand without it.", uncaptured),
)  # fmt: skip
