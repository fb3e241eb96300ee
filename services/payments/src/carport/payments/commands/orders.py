"""A customer orders a payment, or takes one back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time

import sqlalchemy as sa

from carport.payments import events
from carport.payments.commands import lifecycle
from carport.payments.domain import dates, limits
from carport.payments.domain import payment as rules
from carport.payments.domain.payment import Payment, TooLateToCancel
from carport.payments.domain.states import State
from carport.payments.providers import installation
from carport.payments.providers.banking_days import is_banking_day
from carport.payments.repo import accounts, methods, payments
from carport.shared import business_day, outbox
from carport.shared.errors import Forbidden, NotFound
from carport.shared.kernel.ids import confirmation_number, new_id


@dataclass(frozen=True, slots=True)
class Customer:
    """Who orders: a user, the party behind it, and the accounts that are theirs."""

    user_id: str
    party_id: str | None
    accounts: Collection[str]


@dataclass(frozen=True, slots=True)
class Order:
    """What the customer asks for. *amount* in cents; without *date* as soon as possible."""

    account_id: str
    payment_method_id: str
    amount: int
    currency: str
    date: date | None = None
    extra: str | None = None
    quote_id: str | None = None
    authorization_text_version: str | None = None


def order(tx: sa.Connection, customer: Customer, asked: Order, *, now: datetime) -> Payment:
    """Accept, schedule or begin to capture a payment; nobody outside is called.

    Raises NotFound for an account or method that is not the customer's or not known yet,
    FundingSourceUnusable, InvalidDate, and what ``limits.check`` raises.
    """
    day = installation.standing(tx, business_day.hold(tx), now)
    mine = asked.account_id in customer.accounts
    account = accounts.lock(tx, asked.account_id) if mine else None
    method = methods.lock(tx, asked.payment_method_id, user_id=customer.user_id)
    if account is None or method is None:
        raise NotFound
    effective_on = dates.effective_on(
        asked.date, today=day.date, local_time=day.local_time, cut_off=_cut_off(tx)
    )
    wanted = limits.Order(asked.amount, asked.currency, effective_on, asked.extra)
    limits.check(account, wanted, in_flight=payments.in_flight(tx, account.id))
    rules.check_usable(method)
    state = rules.first_state(method.type, effective_on=effective_on, today=day.date)
    payment = Payment(
        id=new_id(now),
        account_id=account.id,
        user_id=customer.user_id,
        party_id=customer.party_id,
        method_id=method.id,
        method_type=method.type,
        brand=method.brand,
        last4=method.last4,
        amount=asked.amount,
        currency=asked.currency,
        effective_on=effective_on,
        state=state,
        confirmation_number=confirmation_number(),
        created_at=now,
        extra=asked.extra,
        quote_id=asked.quote_id,
        authorization_text_version=asked.authorization_text_version,
        accepted_on=day.date if state is State.ACCEPTED else None,
    )
    payments.add(tx, payment)
    lifecycle.begin(tx, payment, now=now)
    return payment


def cancel(tx: sa.Connection, customer: Customer, payment_id: str, *, now: datetime) -> Payment:
    """Take a payment back; again is the same.

    Raises NotFound, Forbidden for another person's order, TooLateToCancel.
    """
    day = installation.standing(tx, business_day.hold(tx), now)
    payment = payments.lock(tx, payment_id)
    if payment is None or payment.account_id not in customer.accounts:
        raise NotFound
    if payment.user_id != customer.user_id:
        raise Forbidden("Only the person who ordered this payment can cancel it.")
    if payment.state is State.CANCELLED:
        return payment
    limit = rules.cancel_limit(payment, cut_off=_cut_off(tx), is_banking_day=is_banking_day)
    if not rules.is_cancellable(limit, today=day.date, local_time=day.local_time):
        raise TooLateToCancel(payment)
    cancelled = payments.move(tx, payment, State.CANCELLED, now, cancelled_on=day.date)
    outbox.add(tx, events.payment_cancelled(cancelled, businessdate=day.date, now=now))
    return cancelled


def _cut_off(tx: sa.Connection) -> time:
    return installation.lender(tx).cut_off
