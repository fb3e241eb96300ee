"""Cheques that came by mail: a payment of the day the lockbox received them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from carport.payments.commands import bank, lifecycle
from carport.payments.domain import dates
from carport.payments.domain.payment import Payment
from carport.payments.domain.states import State
from carport.payments.repo import accounts, payments
from carport.shared import business_day, db
from carport.shared.errors import NotFound
from carport.shared.kernel.identity import account_number_key
from carport.shared.kernel.ids import confirmation_number, new_id
from carport.shared.sealed import decode


class DuplicateItem(Exception):
    """A cheque that was credited before."""

    code = "duplicate_item"


@dataclass(frozen=True, slots=True)
class Cheque:
    """A cheque as the lockbox read it. *amount* in cents; the account by number or by id."""

    cheque_number: str
    amount: int
    account_number: str | None = None
    account_id: str | None = None
    received_on: date | None = None


def receive(tx: sa.Connection, cheque: Cheque, *, now: datetime) -> Payment:
    """Accept a cheque, whatever is owed: what is too much becomes a credit balance.

    Raises NotFound for an account nobody has boarded, InvalidDate, DuplicateItem.
    """
    day = business_day.hold(tx).date
    account_id = _account_id(tx, cheque)
    account = accounts.lock(tx, account_id) if account_id else None
    if account is None:
        raise NotFound("No account has this number. Nothing was booked; send the cheque back.")
    received_on = cheque.received_on or day
    dates.check_received(received_on, today=day)
    item_key = f"{account.id}:{cheque.cheque_number}:{cheque.amount}"
    if payments.find_item(tx, item_key) is not None:
        raise DuplicateItem(
            "This cheque has been credited to the account before. Nothing was booked again."
        )
    payment = Payment(
        id=new_id(now),
        account_id=account.id,
        user_id=None,
        party_id=accounts.primary_party(tx, account.id),
        method_id=None,
        method_type="cheque",
        brand="Cheque",
        last4=cheque.cheque_number[-4:],
        amount=cheque.amount,
        currency=account.currency,
        effective_on=received_on,
        state=State.ACCEPTED,
        confirmation_number=confirmation_number(),
        created_at=now,
        item_key=item_key,
        accepted_on=day,
    )
    payments.add(tx, payment)
    lifecycle.begin(tx, payment, now=now)
    bank.submit(tx, payment.id, day=day, now=now)
    return payment


def _account_id(tx: sa.Connection, cheque: Cheque) -> str | None:
    if cheque.account_number is None:
        return cheque.account_id
    key = decode(db.settings(tx).keys["account_number"])
    return accounts.id_of_number(tx, account_number_key(key, cheque.account_number))
