"""What other services tell auth: who stands on which contract, and the day."""

from __future__ import annotations

from datetime import date, datetime, time

import sqlalchemy as sa

from carport.auth.commands.links import link_holding
from carport.auth.domain.names import comparable_account_number
from carport.auth.repo import people
from carport.shared import business_day
from carport.shared.events import Event


def on_identity_recorded(tx: sa.Connection, event: Event, now: datetime) -> None:
    """Keep how a person on a contract is recognised; a registered one sees the contract at once."""
    data = event.data
    people.record_identity(
        tx,
        {
            "account_id": data["account_id"],
            "party_id": data["party_id"],
            "role": data["role"],
            "account_number": comparable_account_number(data["account_number"]),
            "match_key": data["match_key"],
            "recorded_at": event.time,
        },
    )
    link_holding(tx, data["account_id"], party_id=data["party_id"], now=now)


def on_account_boarded(tx: sa.Connection, event: Event, now: datetime) -> None:
    """Keep who stands on the contract, in case this comes before the identities do."""
    account_id = event.data["account_id"]
    for party in event.data["parties"]:
        people.add_holder(tx, account_id=account_id, party_id=party["party_id"], role=party["role"])
        link_holding(tx, account_id, party_id=party["party_id"], now=now)


def on_day_opened(tx: sa.Connection, event: Event, now: datetime) -> None:
    """Stand on the lender's day; an older announcement that comes late changes nothing."""
    told = event.data
    day, local_time = date.fromisoformat(told["date"]), time.fromisoformat(told["local_time"])
    business_day.follow(tx, day, local_time)


HANDLERS = {
    "accounts.identity_recorded.v1": on_identity_recorded,
    "accounts.account_boarded.v1": on_account_boarded,
    "accounts.day_opened.v1": on_day_opened,
}
