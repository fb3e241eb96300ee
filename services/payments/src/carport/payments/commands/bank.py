"""What passes between us and the bank: entries out, settlement, returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa

from carport.payments import events
from carport.payments.domain import dates, returns
from carport.payments.domain.dates import RETURN_WINDOW_BANKING_DAYS as WINDOW
from carport.payments.domain.payment import Payment
from carport.payments.domain.states import Settlement, State
from carport.payments.providers import installation, sandbox_bank
from carport.payments.providers.banking_days import is_banking_day
from carport.payments.repo import days, methods, payments
from carport.shared import business_day, failpoints, outbox
from carport.shared.business_day import BusinessDay

COUNTING = frozenset({State.ACCEPTED, State.POSTED})


def to_submit(tx: sa.Connection, day: BusinessDay, *, first: str, limit: int) -> Sequence[str]:
    """Bank payments that belong into a file whose cut-off is over."""
    is_over = day.local_time >= installation.lender(tx).cut_off
    file_date = dates.banking_day_to(
        day.date if is_over else day.date - dates.ONE_DAY, is_banking_day
    )
    return payments.to_submit(tx, file_date, first=first, limit=limit)


def submit(tx: sa.Connection, payment_id: str, *, day: date, now: datetime) -> bool:
    """Put the entry of a payment into its file, of *day* at the latest; whether it was due."""
    payment = payments.lock(tx, payment_id)
    if payment is None or not _stands_at(payment, Settlement.NONE):
        return False
    ready_on = max(payment.effective_on, payment.accepted_on or day)
    file_date = min(dates.banking_day_from(ready_on, is_banking_day), day)
    sandbox_bank.receive(tx, payment.id, amount=payment.amount, file_date=file_date)
    payments.settle(tx, payment, submitted_on=file_date)
    return True


def to_settle(tx: sa.Connection, day: BusinessDay, *, first: str, limit: int) -> Sequence[str]:
    """Payments submitted before the last banking day."""
    last = dates.banking_day_to(day.date, is_banking_day)
    return payments.submitted_before(tx, last, first=first, limit=limit)


def settle(tx: sa.Connection, payment_id: str, *, day: date, now: datetime) -> bool:
    """The bank moved the money of a submitted payment, on the next banking day and by *day*.

    Answers whether it was to be settled.
    """
    payment = payments.lock(tx, payment_id)
    if payment is None or not _stands_at(payment, Settlement.SUBMITTED):
        return False
    next_day = dates.banking_days_after(payment.submitted_on or day, 1, is_banking_day)
    settled_on = min(next_day, day)
    sandbox_bank.settle(tx, payment.id)
    settled = payments.settle(tx, payment, settled_on=settled_on)
    outbox.add(tx, events.payment_settled(settled, settled_on=settled_on, now=now))
    return True


def to_clear(tx: sa.Connection, day: BusinessDay, *, first: str, limit: int) -> Sequence[str]:
    """Payments settled so long ago that a return would have come."""
    last = day.date
    for _ in range(WINDOW):
        last = dates.banking_day_to(last, is_banking_day) - dates.ONE_DAY
    last = dates.banking_day_to(last, is_banking_day)
    return payments.settled_by(tx, last, first=first, limit=limit)


def clear(tx: sa.Connection, payment_id: str, *, day: date, now: datetime) -> bool:
    """The usual time for a return is over; a later one is honoured all the same."""
    payment = payments.lock(tx, payment_id)
    if payment is None or not _stands_at(payment, Settlement.SETTLED):
        return False
    over_on = dates.banking_days_after(payment.settled_on or day, WINDOW, is_banking_day)
    payments.settle(tx, payment, cleared_on=min(over_on, day))
    return True


def settle_now(tx: sa.Connection, ids: Sequence[str], *, now: datetime) -> int:
    """Let the sandbox's bank do at once what takes days; how many payments it settled."""
    day = business_day.hold(tx).date
    for payment_id in ids:
        submit(tx, payment_id, day=day, now=now)
    return sum(settle(tx, payment_id, day=day, now=now) for payment_id in ids)


def receive_return(tx: sa.Connection, payment_id: str, code: str, *, now: datetime) -> str:
    """A returned entry: ``applied``, ``waiting`` until the payment is posted, or ``parked``.

    A second return of a payment, or one of a payment that cannot be returned, has no effect.
    Raises UnknownReturnCode.
    """
    returns.reason(code)
    day = business_day.hold(tx).date
    payment = payments.lock(tx, payment_id)
    can_return = payment is not None and payment.state in COUNTING and payment.method_type != "card"
    state = "waiting" if can_return else "parked"
    is_first = days.add_return(tx, payment_id, code=code, state=state, now=now)
    failpoints.hit("return.after_stored")
    if not (is_first and can_return):
        return "parked"
    submit(tx, payment_id, day=day, now=now)
    sandbox_bank.send_back(tx, payment_id, code)
    return apply_return(tx, payment_id, now=now)


def apply_return(tx: sa.Connection, payment_id: str, *, now: datetime) -> str:
    """Apply the return that waits for a payment, if there is one and the payment is posted."""
    payment = payments.lock(tx, payment_id)
    code = days.waiting_return(tx, payment_id)
    if payment is None or code is None or payment.state is not State.POSTED:
        return "waiting"
    reason = returns.reason(code)
    day = business_day.hold(tx).date
    changes = {"returned_on": day, "reason_code": code, "reason_text": reason.text}
    returned = payments.move(tx, payment, State.RETURNED, now, **changes)
    if reason.blocks and returned.method_id:
        methods.block(tx, returned.method_id)
    days.mark_return(tx, payment.id, "applied")
    outbox.add(tx, events.payment_returned(returned, returned_on=day, now=now))
    return "applied"


def _stands_at(payment: Payment, settlement: Settlement) -> bool:
    return payment.settlement is settlement and payment.state in COUNTING
