"""One-time links that were mailed: to complete a registration, to set a new password."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.auth import tables

Row = sa.Row[Any]


def add_registration(tx: sa.Connection, **values: Any) -> None:
    """Store a registration that waits for its link to be used."""
    tx.execute(tables.registration.insert().values(**values))


def lock_registration(tx: sa.Connection, token_hash: str, *, now: datetime) -> Row | None:
    """The open registration of a link, locked; None when used, void, expired or unknown."""
    query = sa.select(tables.registration).where(
        tables.registration.c.token_hash == token_hash,
        tables.registration.c.closed_at.is_(None),
        tables.registration.c.expires_at > now,
    )
    return tx.execute(query.with_for_update()).first()


def close_registrations(tx: sa.Connection, *, party_id: str, email_key: str, now: datetime) -> None:
    """Spend every open link of that party, and every one sent to that address."""
    same = sa.or_(
        tables.registration.c.party_id == party_id, tables.registration.c.email_key == email_key
    )
    still_open = tables.registration.c.closed_at.is_(None)
    tx.execute(tables.registration.update().where(same, still_open).values(closed_at=now))


def replace_reset(
    tx: sa.Connection, *, token_hash: str, user_id: str, expires_at: datetime, now: datetime
) -> None:
    """Store a reset link; earlier ones of that user are void."""
    drop_resets(tx, user_id)
    values = {"token_hash": token_hash, "user_id": user_id, "created_at": now}
    tx.execute(tables.password_reset.insert().values(**values, expires_at=expires_at))


def find_reset(tx: sa.Connection, token_hash: str, *, now: datetime) -> Row | None:
    """The reset of a link that still counts."""
    query = sa.select(tables.password_reset).where(
        tables.password_reset.c.token_hash == token_hash, tables.password_reset.c.expires_at > now
    )
    return tx.execute(query).first()


def drop_resets(tx: sa.Connection, user_id: str) -> None:
    """Void every reset link of a user."""
    tx.execute(tables.password_reset.delete().where(tables.password_reset.c.user_id == user_id))


def drop_stale(tx: sa.Connection, *, before: datetime) -> None:
    """Forget links that expired before that instant."""
    tx.execute(tables.registration.delete().where(tables.registration.c.expires_at < before))
    tx.execute(tables.password_reset.delete().where(tables.password_reset.c.expires_at < before))
