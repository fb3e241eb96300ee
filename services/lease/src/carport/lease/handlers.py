"""Events in: projections of each lease, and the saga that ends a day.

The order events arrive in makes no difference: the highest version of a snapshot, the latest of
paid off and reopened, and a reversal over the payment it takes back win.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection

from carport.lease import repo
from carport.lease.domain.lease import Terms
from carport.shared import business_day, db
from carport.shared.events import Event
from carport.shared.service import Handler, commuting


def on_account_boarded(tx: Connection, event: Event, now: datetime) -> None:
    """The terms of a lease; of other accounts only that they are none."""
    data = event.data
    repo.store_account(tx, data["account_id"], data["product"])
    if data["product"] == repo.LEASE:
        repo.store_terms(tx, _terms(data))


def _terms(data: dict[str, Any]) -> Terms:
    lease = data["lease"]
    return Terms(
        account_id=data["account_id"],
        term_months=data["term_months"],
        payment=data["payment"],
        residual=lease["residual"],
        adjusted_balances=tuple(lease["adjusted_balances"]),
        tax_rate=lease["tax"]["rate"],
        tax_method=lease["tax"]["method"],
        annual_allowance=lease["mileage"]["annual_allowance"],
        excess_rate=lease["mileage"]["excess_rate"],
        start_odometer=lease["mileage"]["start"],
        disposition_fee=lease["fees"]["disposition"],
        purchase_option_fee=lease["fees"]["purchase_option"],
    )


def on_account_changed(tx: Connection, event: Event, now: datetime) -> None:
    """Where a lease stands."""
    data = event.data
    if data["product"] != repo.LEASE:
        return
    unsatisfied = [date.fromisoformat(row["due_date"]) for row in data["unsatisfied"]]
    repo.store_snapshot(
        tx,
        data["account_id"],
        data["version"],
        status=data["status"],
        maturity_date=date.fromisoformat(data["maturity_date"]),
        unpaid=data["balance"],
        adjusted_balance=data["lease"]["adjusted_balance"],
        oldest_unpaid_due=min(unsatisfied, default=None),
        payments_remaining=data["payments_remaining"],
        flags=data["flags"],
    )
    db.wake(tx, "jobs")


def on_payment_posted(tx: Connection, event: Event, now: datetime) -> None:
    """The last payment is shown with the lease."""
    if repo.is_lease(tx, event.data["account_id"]):
        repo.store_payment(tx, event.data, is_reversed=False)


def on_payment_reversed(tx: Connection, event: Event, now: datetime) -> None:
    """A payment taken back is shown no more."""
    if repo.is_lease(tx, event.data["account_id"]):
        repo.store_payment(tx, event.data, is_reversed=True)


def on_paid_off(tx: Connection, event: Event, now: datetime) -> None:
    """Nothing is left to choose."""
    if repo.is_lease(tx, event.data["account_id"]):
        paid_off_on = date.fromisoformat(event.data["paid_off_on"])
        repo.store_closing(tx, event.data["account_id"], event.id, paid_off_on)


def on_reopened(tx: Connection, event: Event, now: datetime) -> None:
    """The options are back."""
    if repo.is_lease(tx, event.data["account_id"]):
        repo.store_closing(tx, event.data["account_id"], event.id, None)


def on_day_opened(tx: Connection, event: Event, now: datetime) -> None:
    """The first day this service hears of; each later one it opens itself, done with the last."""
    local_time = time.fromisoformat(event.data["local_time"])
    if business_day.open_first(tx, date.fromisoformat(event.data["date"]), local_time):
        db.wake(tx, "jobs")


def on_day_ending(tx: Connection, event: Event, now: datetime) -> None:
    """The day is to end: once it is the open one, its jobs finish, and the last one says so."""
    day = date.fromisoformat(event.data["date"])
    repo.announce_day_end(tx, day, event.data["next_local_time"], now)
    db.wake(tx, "jobs")


HANDLERS: dict[str, Handler] = {
    "accounts.account_boarded.v1": on_account_boarded,
    "accounts.account_changed.v1": commuting(on_account_changed),
    "accounts.day_ending.v1": on_day_ending,
    "accounts.day_opened.v1": on_day_opened,
    "accounts.paid_off.v1": on_paid_off,
    "accounts.payment_posted.v1": commuting(on_payment_posted),
    "accounts.payment_reversed.v1": on_payment_reversed,
    "accounts.reopened.v1": on_reopened,
}
