"""Adding and removing ways to pay."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from carport.payments import events
from carport.payments.domain import bank_accounts
from carport.payments.domain.payment import Method, MethodInUse
from carport.payments.providers import installation
from carport.payments.repo import methods, payments
from carport.shared import db, outbox
from carport.shared.errors import NotFound
from carport.shared.kernel.ids import new_id
from carport.shared.sealed import AtRest

BRANDS = {"checking": "Checking", "savings": "Savings"}


class InvalidCard(Exception):
    """A token the processor does not know, or a kind of card the lender does not take."""

    code = "invalid_card"
    pointer = "/processor_token"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose method it is."""

    user_id: str
    party_id: str | None


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A bank account as the customer typed it."""

    routing_number: str
    account_number: str
    account_type: str
    holder_name: str


def add_bank_account(
    tx: sa.Connection, owner: Owner, account: BankAccount, *, now: datetime
) -> Method:
    """Keep a bank account, its numbers sealed. Raises InvalidBankAccount."""
    bank_accounts.check(
        routing_number=account.routing_number, account_number=account.account_number
    )
    method = Method(
        id=new_id(now),
        user_id=owner.user_id,
        party_id=owner.party_id,
        type="bank_account",
        brand=BRANDS[account.account_type],
        last4=account.account_number[-4:],
        account_type=account.account_type,
        holder_name=account.holder_name,
        status="usable",
        processor_token=None,
        created_at=now,
    )
    numbers = {
        "routing_number": account.routing_number,
        "account_number": account.account_number,
    }
    at_rest = AtRest(db.settings(tx).keys["at_rest"])
    sealed = at_rest.encrypt(json.dumps(numbers), "payment_method", "bank_sealed", method.id)
    return _add(tx, method, sealed, now)


def add_card(tx: sa.Connection, owner: Owner, token: str, *, now: datetime) -> Method:
    """Keep a card by the processor's token. Raises InvalidCard."""
    provider = installation.processor(tx)
    card = provider.card(token) if provider else None
    if card is None:
        raise InvalidCard(
            "The card processor does not know this token. Set the card up again; no money moved."
        )
    if not installation.lender(tx).cards.get(card.funding):
        raise InvalidCard(
            f"We do not take {card.funding} cards. Use a bank account instead; no money moved."
        )
    method = Method(
        id=new_id(now),
        user_id=owner.user_id,
        party_id=owner.party_id,
        type="card",
        brand=card.brand,
        last4=card.last4,
        account_type=None,
        holder_name=None,
        status="usable",
        processor_token=token,
        created_at=now,
    )
    return _add(tx, method, None, now)


def remove(tx: sa.Connection, method_id: str, *, user_id: str) -> None:
    """Forget a method. Raises NotFound, and MethodInUse while an order still needs it."""
    method = methods.lock(tx, method_id, user_id=user_id)
    if method is None or method.status == "deleted":
        raise NotFound
    if payments.is_needed(tx, method_id):
        raise MethodInUse(
            "A payment that is still to be made uses this. Cancel that payment first, then remove"
            " the way to pay; nothing was changed."
        )
    methods.set_status(tx, method_id, "deleted")


def _add(tx: sa.Connection, method: Method, sealed: str | None, now: datetime) -> Method:
    methods.add(tx, method, bank_sealed=sealed)
    outbox.add(tx, events.method_added(method, now))
    return method
