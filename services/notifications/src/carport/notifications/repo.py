"""Rows of notifications to values and back: projections, messages, deliveries, preferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.notifications.domain.preferences import Preferences
from carport.notifications.tables import (
    account_parties,
    accounts,
    deliveries,
    inboxes,
    mailbox,
    messages,
    parties,
    payments,
    preferences,
)
from carport.shared.db import insert_if_absent
from carport.shared.errors import NotYet


@dataclass(frozen=True)
class Party:
    """A person we write to. *boarded_email* is the lender's record, *verified_email* auth's."""

    party_id: str
    first_name: str | None
    language: str | None
    boarded_email: str | None
    verified_email: str | None

    @property
    def email(self) -> str | None:
        """Where mail goes: the lender's record until the customer verified an address."""
        return self.verified_email or self.boarded_email

    def at_boarded_address(self) -> Party:
        """The same person, written to at the address the lender had."""
        return replace(self, verified_email=None)


@dataclass(frozen=True)
class Account:
    """What a notice says of an account."""

    account_id: str
    last4: str
    product: str
    vehicle: str
    flags: Sequence[str]

    @property
    def title(self) -> str:
        """``2025 Kia Sportage EX, account ending in 7783``."""
        return f"{self.vehicle}, account ending in {self.last4}"


@dataclass(frozen=True)
class Payment:
    """What a notice says of a payment; *party_id* is who ordered it, None for a cheque."""

    payment_id: str
    account_id: str
    party_id: str | None
    confirmation_number: str
    method: str
    effective_on: date
    return_code: str | None
    return_text: str | None


def store_contact(tx: sa.Connection, data: Mapping[str, Any], event_id: str) -> None:
    """The lender's record of a person, unless a later event has been stored already."""
    _ensure(tx, parties, party_id=data["party_id"])
    tx.execute(
        parties.update()
        .where(parties.c.party_id == data["party_id"], _is_later(parties.c.contact_event, event_id))
        .values(
            first_name=data["first_name"],
            last_name=data["last_name"],
            boarded_email=data["email"],
            language=data.get("language"),
            contact_event=event_id,
        )
    )


def store_verified_email(tx: sa.Connection, party_id: str, email: str, event_id: str) -> None:
    """The address the customer verified, unless a later event has been stored already."""
    _ensure(tx, parties, party_id=party_id)
    tx.execute(
        parties.update()
        .where(parties.c.party_id == party_id, _is_later(parties.c.verified_event, event_id))
        .values(verified_email=email, verified_event=event_id)
    )


def _is_later(column: sa.Column[Any], event_id: str) -> sa.ColumnElement[bool]:
    """Event ids are UUIDv7: they sort by the time they were made."""
    return sa.or_(column.is_(None), column < event_id)


def _ensure(tx: sa.Connection, into: sa.Table, **key: str) -> None:
    insert_if_absent(tx, into, **key)


def store_account(
    tx: sa.Connection, account_id: str, *, last4: str, product: str, vehicle: str
) -> None:
    """What is shown of an account; it never changes after boarding."""
    _ensure(tx, accounts, account_id=account_id)
    tx.execute(
        accounts.update()
        .where(accounts.c.account_id == account_id)
        .values(last4=last4, product=product, vehicle=vehicle)
    )


def store_flags(tx: sa.Connection, account_id: str, version: int, flags: Sequence[str]) -> None:
    """The flags of an account; the highest *version* wins."""
    _ensure(tx, accounts, account_id=account_id)
    tx.execute(
        accounts.update()
        .where(accounts.c.account_id == account_id, accounts.c.version < version)
        .values(version=version, flags=list(flags))
    )


def link_party(tx: sa.Connection, account_id: str, party_id: str, role: str) -> None:
    """*party_id* is told what concerns the account."""
    insert_if_absent(tx, account_parties, account_id=account_id, party_id=party_id, role=role)


def store_payment(tx: sa.Connection, payment_id: str, **values: Any) -> None:
    """What is shown of a payment; it never changes after the order."""
    insert_if_absent(tx, payments, payment_id=payment_id, **values)


def store_return(tx: sa.Connection, payment_id: str, code: str, text: str) -> bool:
    """The bank's reason for returning a payment; False while the payment is unknown."""
    change = payments.update().where(payments.c.payment_id == payment_id)
    return tx.execute(change.values(return_code=code, return_text=text)).rowcount == 1


def account(tx: sa.Connection, account_id: str) -> Account:
    """Raises NotYet before the account has been announced."""
    row = tx.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).first()
    if row is None or row.last4 is None:
        raise NotYet("the account has not been announced")
    return Account(row.account_id, row.last4, row.product, row.vehicle, row.flags or ())


def payment(tx: sa.Connection, payment_id: str) -> Payment | None:
    """None while the order has not been announced."""
    row = tx.execute(sa.select(payments).where(payments.c.payment_id == payment_id)).first()
    return Payment(**row._mapping) if row else None


def party(tx: sa.Connection, party_id: str) -> Party:
    """Raises NotYet before the person's contact data has been announced."""
    row = tx.execute(sa.select(parties).where(parties.c.party_id == party_id)).first()
    if row is None or row.contact_event is None:
        raise NotYet("the contact data of the party has not been announced")
    return Party(row.party_id, row.first_name, row.language, row.boarded_email, row.verified_email)


def parties_of(tx: sa.Connection, account_id: str) -> list[Party]:
    """Everybody on the account. Raises NotYet before they have been announced."""
    query = (
        sa.select(account_parties.c.party_id)
        .where(account_parties.c.account_id == account_id)
        .order_by(account_parties.c.party_id)
    )
    found = [party(tx, party_id) for party_id in tx.execute(query).scalars()]
    if not found:
        raise NotYet("nobody has been announced for the account")
    return found


def insert_message(tx: sa.Connection, **values: Any) -> bool:
    """False when this party has been told the same already."""
    return insert_if_absent(tx, messages, **values)


def insert_delivery(tx: sa.Connection, **values: Any) -> bool:
    """False when the same has been queued for this addressee and channel already."""
    return insert_if_absent(tx, deliveries, **values)


def mark_read(tx: sa.Connection, party_id: str, message_id: str) -> bool:
    """Whether the message exists and is the party's; reading twice changes nothing."""
    mine = sa.and_(messages.c.id == message_id, messages.c.party_id == party_id)
    return tx.execute(messages.update().where(mine).values(is_read=True)).rowcount == 1


def lock_inbox(tx: sa.Connection, party_id: str) -> int:
    """The number of the party's last message, 0 for none; until *tx* ends nobody else gives one."""
    insert_if_absent(tx, inboxes, party_id=party_id, last_seq=0)
    query = sa.select(inboxes.c.last_seq).where(inboxes.c.party_id == party_id)
    return int(tx.execute(query.with_for_update()).scalar_one())


def number_messages(tx: sa.Connection, party_id: str, last: int) -> int:
    """Number the party's messages that have no number, on from *last*; the new last one. The caller
    holds the lock."""
    unnumbered = sa.and_(messages.c.party_id == party_id, messages.c.seq.is_(None))
    nth = sa.func.row_number().over(order_by=messages.c.id).label("nth")
    new = sa.select(messages.c.id, nth).where(unnumbered).subquery()
    numbered = messages.update().where(messages.c.id == new.c.id).values(seq=last + new.c.nth)
    now_last = last + tx.execute(numbered).rowcount
    mine = inboxes.update().where(inboxes.c.party_id == party_id)
    if now_last > last:
        tx.execute(mine.values(last_seq=now_last))
    return now_last


def preferences_of(tx: sa.Connection, party_id: str) -> Preferences:
    """What the party chose, or the defaults."""
    row = tx.execute(sa.select(preferences).where(preferences.c.party_id == party_id)).first()
    if row is None:
        return Preferences()
    return Preferences(
        email_off=frozenset(row.email_off),
        days_ahead=row.days_ahead,
        quiet_from=row.quiet_from,
        quiet_to=row.quiet_to,
        version=row.version,
    )


def lock_preferences(tx: sa.Connection, party_id: str) -> Preferences:
    """As preferences_of, locked against another change until *tx* ends."""
    defaults = Preferences()
    insert_if_absent(tx, preferences, party_id=party_id, **_columns(defaults))
    query = sa.select(preferences.c.party_id).where(preferences.c.party_id == party_id)
    tx.execute(query.with_for_update())
    return preferences_of(tx, party_id)


def store_preferences(tx: sa.Connection, party_id: str, chosen: Preferences) -> None:
    """Replace what the party chose; the caller holds the lock."""
    mine = preferences.update().where(preferences.c.party_id == party_id)
    tx.execute(mine.values(_columns(chosen)))


def _columns(chosen: Preferences) -> dict[str, Any]:
    return {
        "email_off": sorted(chosen.email_off),
        "days_ahead": list(chosen.days_ahead),
        "quiet_from": chosen.quiet_from,
        "quiet_to": chosen.quiet_to,
        "version": chosen.version,
    }


def due_deliveries(tx: sa.Connection, now: datetime, limit: int) -> list[sa.Row[Any]]:
    """Deliveries to be tried at *now*, locked, oldest first; also those whose claim ran out."""
    query = (
        sa.select(deliveries)
        .where(deliveries.c.state.in_(("queued", "sending")), deliveries.c.due_at <= now)
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.execute(query))


def change_delivery(
    tx: sa.Connection, delivery_id: str, *, token: str | None = None, **values: Any
) -> bool:
    """Store *values*; with *token* only while that claim still holds. Whether it was stored."""
    change = deliveries.update().where(deliveries.c.id == delivery_id)
    if token is not None:
        change = change.where(deliveries.c.claim_token == token)
    return tx.execute(change.values(values)).rowcount == 1


def insert_in_mailbox(tx: sa.Connection, **values: Any) -> None:
    """Keep what the sandbox would have sent."""
    tx.execute(mailbox.insert().values(values))
