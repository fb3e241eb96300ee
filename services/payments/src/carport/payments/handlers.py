"""Events in: what accounts tells of contracts, of our payments and of the business day."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import Connection

from carport.payments.commands import days as day_work
from carport.payments.commands import ledger, lifecycle
from carport.payments.repo import accounts
from carport.payments.repo import days as day_rows
from carport.shared.events import Event
from carport.shared.service import Handler, commuting


def on_account_boarded(tx: Connection, event: Event, now: datetime) -> None:
    """Keep what identifies a contract: the keyed hash of its number, its primary party."""
    told = event.data
    primary = [p["party_id"] for p in told["parties"] if p["role"] == "primary"]
    accounts.keep_boarded(
        tx,
        told["account_id"],
        number_key=told.get("account_number_key"),
        number_last4=told["account_number_last4"],
        party_id=primary[0] if primary else None,
    )


def on_account_changed(tx: Connection, event: Event, now: datetime) -> None:
    """Keep the snapshot with the highest version; a closed account needs no scheduled payment."""
    if accounts.keep_snapshot(tx, event.data) and event.data["status"] != "active":
        lifecycle.drop_scheduled(tx, event.data["account_id"], now=now)


def on_payment_posted(tx: Connection, event: Event, now: datetime) -> None:
    """The receipt is booked: keep its allocation, and the payment is posted."""
    ledger.posted(tx, event.data, now=now)


def on_payment_rejected(tx: Connection, event: Event, now: datetime) -> None:
    """The ledger refuses: money that was taken goes back, then the payment has failed."""
    ledger.rejected(tx, event.data, now=now)


def on_payment_reversed(tx: Connection, event: Event, now: datetime) -> None:
    """The receipt is reversed, as we asked with a cancellation or a return."""
    ledger.reversed_(tx, event.data)


def on_day_ending(tx: Connection, event: Event, now: datetime) -> None:
    """Finish the day and stand on the next one."""
    day = date.fromisoformat(event.data["date"])
    next_time = time.fromisoformat(event.data["next_local_time"])
    day_work.close(tx, day, next_local_time=next_time, now=now)


def on_day_opened(tx: Connection, event: Event, now: datetime) -> None:
    """Only the first one tells us anything: see ``commands.days``."""
    day = date.fromisoformat(event.data["date"])
    day_work.open_first(tx, day, time.fromisoformat(event.data["local_time"]))


def on_ledger_anchored(tx: Connection, event: Event, now: datetime) -> None:
    """Keep the digest of the ledger where accounts cannot change it."""
    told = event.data
    day_rows.keep_anchor(
        tx,
        date.fromisoformat(told["date"]),
        contracts=told["contracts"],
        sha256=told["sha256"],
        now=now,
    )


HANDLERS: dict[str, Handler] = {
    "accounts.account_boarded.v1": on_account_boarded,
    "accounts.account_changed.v1": commuting(on_account_changed),
    "accounts.payment_posted.v1": commuting(on_payment_posted),
    "accounts.payment_rejected.v1": on_payment_rejected,
    "accounts.payment_reversed.v1": on_payment_reversed,
    "accounts.day_ending.v1": on_day_ending,
    "accounts.day_opened.v1": on_day_opened,
    "accounts.ledger_anchored.v1": on_ledger_anchored,
}
