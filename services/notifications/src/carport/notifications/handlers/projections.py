"""What notifications must know to write a notice: people, accounts, and the business day.

Every projection comes out the same in whatever order its events arrive: the latest event of a
person and the highest version of an account win.
"""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import Connection

from carport.notifications import repo
from carport.shared import business_day, inbox
from carport.shared.events import Event
from carport.shared.service import Handler, commuting


def on_account_boarded(tx: Connection, event: Event, now: datetime) -> None:
    """Who is on the account, and what is shown of it."""
    data = event.data
    car = data["vehicle"]
    parts = (car["year"], car["make"], car["model"], car.get("trim"))
    repo.store_account(
        tx,
        data["account_id"],
        last4=data["account_number_last4"],
        product=data["product"],
        vehicle=" ".join(str(part) for part in parts if part),
    )
    for party in data["parties"]:
        repo.link_party(tx, data["account_id"], party["party_id"], party["role"])


def on_account_changed(tx: Connection, event: Event, now: datetime) -> None:
    """The flags that say how a customer may be contacted."""
    repo.store_flags(
        tx, event.data["account_id"], event.data["version"], event.data.get("flags", ())
    )


def on_contact_changed(tx: Connection, event: Event, now: datetime) -> None:
    """The lender's record of a person. Notices that waited for it are tried again."""
    repo.store_contact(tx, event.data, event.id)
    inbox.wake_waiting(tx, now)


def on_contact_verified(tx: Connection, event: Event, now: datetime) -> None:
    """From now on mail goes to the address the customer verified."""
    repo.store_verified_email(tx, event.data["party_id"], event.data["email"], event.id)


def on_account_linked(tx: Connection, event: Event, now: datetime) -> None:
    """A person with online access sees one more account."""
    data = event.data
    repo.link_party(tx, data["account_id"], data["party_id"], data["role"])


def on_day_opened(tx: Connection, event: Event, now: datetime) -> None:
    """The business day moves on, never back."""
    told = event.data
    day, local_time = date.fromisoformat(told["date"]), time.fromisoformat(told["local_time"])
    business_day.follow(tx, day, local_time)


HANDLERS: dict[str, Handler] = {
    "accounts.account_boarded.v1": on_account_boarded,
    "accounts.account_changed.v1": commuting(on_account_changed),
    "accounts.contact_changed.v1": on_contact_changed,
    "accounts.day_opened.v1": on_day_opened,
    "auth.account_linked.v1": on_account_linked,
    "auth.contact_verified.v1": on_contact_verified,
}
