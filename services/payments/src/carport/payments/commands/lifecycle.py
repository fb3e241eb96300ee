"""What happens to a payment after it was ordered: it begins, is accepted, fails, is posted.

Every function takes a payment whose row *tx* has locked, or locks it itself. Rows are locked in one
order wherever payments change: account, payment, method.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa

from carport.payments import events
from carport.payments.domain import limits
from carport.payments.domain import payment as rules
from carport.payments.domain.payment import Payment
from carport.payments.domain.states import State
from carport.payments.repo import accounts, calls, methods, payments
from carport.shared import business_day, outbox

SCHEDULED_MAX = 100
Refusals = (limits.AccountNotPayable, limits.ExceedsPayoff, rules.FundingSourceUnusable)


def begin(tx: sa.Connection, payment: Payment, *, now: datetime) -> None:
    """Set in motion what the state of a payment that has just reached it asks for."""
    if payment.state is State.SCHEDULED:
        outbox.add(tx, events.payment_scheduled(payment, now))
    elif payment.state is State.PROCESSING:
        calls.open_call(tx, payment.id, "capture", now)
    elif payment.accepted_on is not None:
        published = events.payment_accepted(payment, businessdate=payment.accepted_on, now=now)
        outbox.add(tx, published)


def activate_all(tx: sa.Connection, ids: Sequence[str], *, day: date, now: datetime) -> None:
    """Begin scheduled payments whose day has come. All their accounts are locked before any way to
    pay is: an order that holds one of those accounts would else wait for us, and we for it."""
    accounts.lock_of_payments(tx, ids)
    for payment_id in ids:
        activate(tx, payment_id, day=day, now=now)


def activate(tx: sa.Connection, payment_id: str, *, day: date, now: datetime) -> None:
    """The day of a scheduled payment has come: decide again, then begin; otherwise it fails."""
    found = payments.find(tx, payment_id)
    account = accounts.lock(tx, found.account_id) if found else None
    payment = payments.lock(tx, payment_id)
    if payment is None or payment.state is not State.SCHEDULED:
        return
    try:
        _check_again(tx, payment, account)
    except Refusals as refusal:
        fail(tx, payment, code=refusal.code, text=str(refusal), now=now)
        return
    to = rules.first_state(payment.method_type, effective_on=payment.effective_on, today=day)
    accepted_on = day if to is State.ACCEPTED else None
    begin(tx, payments.move(tx, payment, to, now, accepted_on=accepted_on), now=now)


def drop_scheduled(tx: sa.Connection, account_id: str, *, now: datetime) -> None:
    """The account was closed: payments still to come fail now, not on their day."""
    account = accounts.find(tx, account_id)
    for payment_id in payments.scheduled_of(tx, account_id, limit=SCHEDULED_MAX):
        payment = payments.lock(tx, payment_id)
        if payment is None or account is None or payment.state is not State.SCHEDULED:
            continue
        try:
            limits.check_open(account)
        except limits.AccountNotPayable as refusal:
            fail(tx, payment, code=refusal.code, text=str(refusal), now=now)


def accept(tx: sa.Connection, payment: Payment, *, now: datetime) -> Payment:
    """The money is ours: have it posted, with the effective date of the order."""
    today = business_day.hold(tx).date
    moved = payments.move(tx, payment, State.ACCEPTED, now, accepted_on=today)
    begin(tx, moved, now=now)
    return moved


def fail(tx: sa.Connection, payment: Payment, *, code: str, text: str, now: datetime) -> None:
    """No payment after all: one notice, and no money moved."""
    failed = payments.move(tx, payment, State.FAILED, now, reason_code=code, reason_text=text)
    outbox.add(tx, events.payment_failed(failed, now))


def _check_again(tx: sa.Connection, payment: Payment, account: limits.Account | None) -> None:
    method = methods.lock(tx, payment.method_id) if payment.method_id else None
    if account is None or method is None:
        raise limits.AccountNotPayable("The account or the way to pay is gone. No money moved.")
    rules.check_usable(method)
    order = limits.Order(payment.amount, payment.currency, payment.effective_on, payment.extra)
    limits.check(account, order, in_flight=payments.in_flight(tx, account.id))
