"""What is known of a person, for that person."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from carport.accounts.repo import contracts, parties
from carport.shared.errors import NotFound

SHOWN = ("id", "first_name", "last_name", "email", "phone", "language", "address")


def me(tx: sa.Connection, party_id: str | None) -> dict[str, Any]:
    """Name, addresses, phone and language of the caller. Raises NotFound without a contract."""
    found = parties.get(tx, party_id) if party_id else None
    if found is None:
        raise NotFound
    shown = {name: found[name] for name in SHOWN}
    accounts = contracts.of_party(tx, found["id"])
    return shown | {"email_verified": found["email_verified_at"] is not None, "accounts": accounts}
