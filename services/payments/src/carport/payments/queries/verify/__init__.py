"""What must hold of the payments in this database, checked from the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from carport.payments import events
from carport.payments.domain.states import State
from carport.payments.queries.verify import histories, outside, receipts
from carport.payments.queries.verify.receipts import posted_list
from carport.payments.tables import payment_methods, payment_steps
from carport.payments.tables import payments as table
from carport.shared import said
from carport.shared.checks import sentences
from carport.shared.said import Fact, kept

TOLD = {
    State.SCHEDULED: events.SCHEDULED,
    State.ACCEPTED: events.ACCEPTED,
    State.CANCELLED: events.CANCELLED,
    State.FAILED: events.FAILED,
    State.RETURNED: events.RETURNED,
}


def facts(tx: sa.Connection) -> Iterator[Fact]:
    """What is said once each: every step others have to hear of, settlements, new methods."""
    payment, step = said.of_data(tx, "payment_id"), payment_steps
    for state, type_ in TOLD.items():
        is_it = step.c.state == state
        yield Fact(type_, step.c.payment_id, payment, is_it, kept(step.c.at))
    is_settled, made = table.c.settled_on.is_not(None), payment_methods.c.created_at
    yield Fact(events.SETTLED, table.c.id, payment, is_settled, kept(table.c.created_at))
    method = said.of_data(tx, "method_id")
    yield Fact(events.METHOD_ADDED, payment_methods.c.id, method, sa.true(), kept(made))


CHECKS = (
    *histories.CHECKS,
    *receipts.CHECKS,
    *outside.CHECKS,
    said.unsaid(facts),
    said.untrue(facts),
)
findings = sentences(CHECKS)

__all__ = ["CHECKS", "facts", "findings", "posted_list"]
