"""Events in: what payments, lease and auth say that concerns contracts, days and people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa

from carport.accounts.commands import contacts, day, payments
from carport.accounts.commands.payments import Accepted
from carport.accounts.domain.items import Payment
from carport.shared import telemetry
from carport.shared.events import Event
from carport.shared.service import Handler, batched

NOTED = ("method", "confirmation_number", "user_id", "party_id")


def on_payments_accepted(tx: sa.Connection, batch: Sequence[Event], now: datetime) -> None:
    """Post the payments, each with the effective date it was accepted for."""
    given = [accepted(event) for event in batch]
    run = payments.PostingRun(tx, given, now)
    for event, each in zip(batch, given, strict=True):
        with telemetry.handling(event):
            run.post(each)
    run.store()
    day.heard(tx)


def accepted(event: Event) -> Accepted:
    """The payment *event* tells of."""
    data = event.data
    payment = Payment(
        id=data["payment_id"],
        effective_on=date.fromisoformat(data["effective_on"]),
        amount=data["amount"],
        extra=data.get("extra"),
    )
    note = {name: data[name] for name in NOTED if data.get(name) is not None}
    return Accepted(
        payment, data["account_id"], data["currency"], event.businessdate, note, event.id
    )


def on_payment_cancelled(tx: sa.Connection, event: Event, now: datetime) -> None:
    """Take a payment out that was posted; one that was never accepted left no trace here."""
    if event.data["was_accepted"]:
        _reverse(tx, event, cause="cancelled", code=None, now=now)
    day.heard(tx)


def on_payment_returned(tx: sa.Connection, event: Event, now: datetime) -> None:
    """The bank took the money back: as if it had never been paid."""
    _reverse(tx, event, cause="returned", code=event.data["code"], now=now)
    day.heard(tx)


def _reverse(
    tx: sa.Connection, event: Event, *, cause: str, code: str | None, now: datetime
) -> None:
    payments.reverse_payment(
        tx,
        event.data["payment_id"],
        account_id=event.data["account_id"],
        cause=cause,
        code=code,
        businessdate=event.businessdate,
        now=now,
        event_id=event.id,
    )


def on_day_done(tx: sa.Connection, event: Event, now: datetime) -> None:
    """A service has done its work of a day and says how many events there were."""
    day.day_done(tx, event.source, event.data)


def on_account_linked(tx: sa.Connection, event: Event, now: datetime) -> None:
    """A login now sees the contract."""
    data = event.data
    contacts.link(
        tx, account_id=data["account_id"], party_id=data["party_id"], user_id=data["user_id"],
        now=now,
    )  # fmt: skip


def on_contact_verified(tx: sa.Connection, event: Event, now: datetime) -> None:
    """An address that was proved to be the customer's counts from now on."""
    contacts.verify_email(
        tx, event.data["party_id"], email=event.data["email"], said_at=event.time, now=now
    )


HANDLERS: dict[str, Handler] = {
    "payments.payment_accepted.v1": batched(on_payments_accepted),
    "payments.payment_cancelled.v1": on_payment_cancelled,
    "payments.payment_returned.v1": on_payment_returned,
    "payments.day_done.v1": on_day_done,
    "lease.day_done.v1": on_day_done,
    "auth.account_linked.v1": on_account_linked,
    "auth.contact_verified.v1": on_contact_verified,
}
