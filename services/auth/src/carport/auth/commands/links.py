"""Which contracts a user may see: those of the parties the user has proved to be."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from carport.auth import events
from carport.auth.repo import people
from carport.shared import outbox


def link_party(tx: sa.Connection, party_id: str, *, user_id: str, now: datetime) -> list[str]:
    """The party, locked and free, is that user; answers the contracts that brings along."""
    people.give_party(tx, party_id, user_id=user_id)
    held = people.holdings(tx, party_id)
    for holding in held:
        _link(tx, user_id, holding, now=now)
    return [holding.account_id for holding in held]


def link_holding(tx: sa.Connection, account_id: str, *, party_id: str, now: datetime) -> None:
    """A party stands on a contract, maybe a new one: whoever the party is may see it."""
    party = people.lock_party(tx, party_id)
    if party.user_id is None:
        return
    for holding in people.holdings(tx, party_id):
        if holding.account_id == account_id:
            _link(tx, party.user_id, holding, now=now)


def _link(tx: sa.Connection, user_id: str, holding: people.Row, *, now: datetime) -> None:
    link = {
        "account_id": holding.account_id,
        "party_id": holding.party_id,
        "role": holding.role,
    }
    if people.add_link(tx, user_id=user_id, **link, now=now):
        outbox.add(tx, events.account_linked(user_id, **link, now=now))
