"""Who sees a contract, and where its people are reached."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.repo import contracts, parties
from carport.shared import outbox
from carport.shared.errors import NotYet


def link(tx: sa.Connection, *, account_id: str, party_id: str, user_id: str, now: datetime) -> None:
    """Note that a login sees the contract. Raises NotYet while the party is not on it."""
    if not parties.mark_linked(tx, account_id, party_id, now):
        raise NotYet(f"party {party_id} is not on {account_id}")
    parties.update(tx, party_id, user_id=user_id)


def verify_email(
    tx: sa.Connection, party_id: str, *, email: str, said_at: datetime, now: datetime
) -> None:
    """Use the address the customer verified; an older word about it changes nothing.

    Raises NotYet while the party is unknown.
    """
    party = parties.lock(tx, party_id)
    if party is None:
        raise NotYet(f"party {party_id} is unknown")
    known = party["email_verified_at"]
    if known is not None and known >= said_at:
        return
    parties.update(tx, party_id, email=email, email_verified_at=said_at)
    if email != party["email"]:
        mine = contracts.of_party(tx, party_id)
        outbox.add(tx, events.contact_changed({**party, "email": email}, mine, now))
