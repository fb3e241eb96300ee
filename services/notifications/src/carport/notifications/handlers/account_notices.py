"""Notices about an account: what is due, late fees, the end of a contract."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from carport.notifications import repo
from carport.notifications.commands import Notice, tell
from carport.shared.events import Event
from carport.shared.service import Handler, commuting


def on_payment_due(tx: Connection, event: Event, now: datetime) -> None:
    """The reminder, to those who asked for it so many days ahead."""
    data = event.data
    people = [
        person
        for person in repo.parties_of(tx, data["account_id"])
        if data["days_ahead"] in repo.preferences_of(tx, person.party_id).days_ahead
    ]
    key = f"{data['account_id']}:{data['number']}:{data['due_date']}:{data['days_ahead']}"
    _tell(tx, event, now, kind="payment_due", key=key, people=people)


def on_maturity_approaching(tx: Connection, event: Event, now: datetime) -> None:
    """The lease ends soon."""
    data = event.data
    key = f"{data['account_id']}:{data['maturity_date']}:{data['days_left']}"
    people = repo.parties_of(tx, data["account_id"])
    _tell(tx, event, now, kind="maturity_approaching", key=key, people=people)


def told_each_time(kind: str) -> Handler:
    """A handler that tells everybody on the account, once for each event: a fee can be charged
    again after it was taken off, an account paid off again after it was reopened."""

    def on_event(tx: Connection, event: Event, now: datetime) -> None:
        people = repo.parties_of(tx, event.data["account_id"])
        _tell(tx, event, now, kind=kind, key=event.id, people=people)

    return on_event


def _tell(
    tx: Connection,
    event: Event,
    now: datetime,
    *,
    kind: str,
    key: str,
    people: list[repo.Party],
) -> None:
    account = repo.account(tx, event.data["account_id"])
    tell(tx, Notice(kind, key, event, event.data, account), people, now)


HANDLERS: dict[str, Handler] = {
    "accounts.late_fee_assessed.v1": told_each_time("late_fee_assessed"),
    "accounts.late_fee_removed.v1": told_each_time("late_fee_removed"),
    "accounts.paid_off.v1": told_each_time("paid_off"),
    "accounts.payment_due.v1": commuting(on_payment_due),
    "accounts.reopened.v1": told_each_time("reopened"),
    "lease.maturity_approaching.v1": on_maturity_approaching,
}
