"""What the card processor has answered, turned into the state of the payment.

Captured is accepted only for the amount and currency that were asked; anything else stays unknown
until a person has looked (invariant I-22). No answer is no failure: the status is asked for later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from carport.payments.commands import lifecycle
from carport.payments.domain.payment import Payment
from carport.payments.domain.states import State
from carport.payments.providers.processor import Answer, Captured, Declined, NoAnswer, Voided
from carport.payments.repo import calls, payments
from carport.payments.repo.calls import Call
from carport.shared import business_day

ASK_AGAIN_S_FIRST = 2
ASK_AGAIN_S_MAX = 300


def record(tx: sa.Connection, call: Call, answer: Answer, *, now: datetime) -> None:
    """Store what became of *call*, unless somebody else has claimed it since."""
    if isinstance(answer, NoAnswer):
        wait = min(ASK_AGAIN_S_FIRST * 2**call.attempts, ASK_AGAIN_S_MAX)
        again = now + timedelta(seconds=wait)
        if calls.answer(tx, call, next_at=again, answer="none"):
            _suspend(tx, call, now)
        return
    is_clear = _is_clear(call, answer)
    name = type(answer).__name__.lower()
    if not calls.answer(tx, call, state="done" if is_clear else "case", answer=name):
        return
    payment = payments.lock(tx, call.payment_id)
    if payment is None:
        raise LookupError(f"no payment {call.payment_id}")
    if not is_clear:
        _suspend(tx, call, now)
    elif call.kind == "void":
        _void(tx, payment, now)
    else:
        _capture(tx, payment, answer, now)


def _is_clear(call: Call, answer: Answer) -> bool:
    """Whether *answer* is about exactly what was asked."""
    if isinstance(answer, Captured):
        asked = (call.kind, call.amount, call.currency)
        return asked == ("capture", answer.amount, answer.currency)
    return isinstance(answer, Voided) == (call.kind == "void")


def _capture(tx: sa.Connection, payment: Payment, answer: Answer, now: datetime) -> None:
    if isinstance(answer, Declined):
        lifecycle.fail(tx, payment, code=answer.code, text=answer.text, now=now)
        return
    accepted = lifecycle.accept(tx, payment, now=now)
    payments.settle(tx, accepted, submitted_on=business_day.get(tx).date)


def _void(tx: sa.Connection, payment: Payment, now: datetime) -> None:
    """The charge that the ledger refused is taken back: now the customer is told, once."""
    if payment.state is State.ACCEPTED:
        code, text = payment.reason_code or "rejected", payment.reason_text or ""
        lifecycle.fail(tx, payment, code=code, text=text, now=now)


def _suspend(tx: sa.Connection, call: Call, now: datetime) -> None:
    payment = payments.lock(tx, call.payment_id)
    if payment is not None and payment.state is State.PROCESSING:
        payments.move(tx, payment, State.UNKNOWN, now)
