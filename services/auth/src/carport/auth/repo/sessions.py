"""Sessions and their refresh tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.auth import tables

SESSIONS_SHOWN_MAX = 50

Row = sa.Row[Any]


def add(tx: sa.Connection, **values: Any) -> None:
    """Store a new session."""
    tx.execute(tables.session.insert().values(**values))


def lock(tx: sa.Connection, session_id: str) -> Row | None:
    """The session, locked, whether or not it is over."""
    query = sa.select(tables.session).where(tables.session.c.id == session_id)
    return tx.execute(query.with_for_update()).first()


def find(tx: sa.Connection, session_id: str) -> Row | None:
    """The session, whether or not it is over."""
    return tx.execute(sa.select(tables.session).where(tables.session.c.id == session_id)).first()


def is_over(session: Row, *, now: datetime) -> bool:
    """Whether the session was ended, was idle too long or is too old."""
    return session.ended_at is not None or session.expires_at <= now


def live_of_user(tx: sa.Connection, user_id: str, *, now: datetime) -> list[Row]:
    """A user's live sessions, the last used first."""
    query = _live(user_id, now).order_by(tables.session.c.last_used_at.desc(), tables.session.c.id)
    return list(tx.execute(query.limit(SESSIONS_SHOWN_MAX)))


def lock_live_of_user(tx: sa.Connection, user_id: str, *, now: datetime) -> list[Row]:
    """The same, locked, in the order of their ids (so that two who do it never deadlock)."""
    query = _live(user_id, now).order_by(tables.session.c.id)
    return list(tx.execute(query.with_for_update()))


def change(tx: sa.Connection, session_id: str, **values: Any) -> None:
    """Set columns of a session."""
    tx.execute(tables.session.update().where(tables.session.c.id == session_id).values(**values))


def find_token(tx: sa.Connection, token_hash: str) -> Row | None:
    """The refresh token with that fingerprint."""
    return tx.execute(sa.select(tables.refresh_token).filter_by(token_hash=token_hash)).first()


def unspent_token(tx: sa.Connection, session_id: str) -> Row | None:
    """The one refresh token of a session that has not been used."""
    query = sa.select(tables.refresh_token).filter_by(session_id=session_id)
    return tx.execute(query.where(tables.refresh_token.c.spent_at.is_(None))).first()


def add_token(tx: sa.Connection, *, token_hash: str, session_id: str, now: datetime) -> None:
    """Store the fingerprint of a refresh token that has not been used."""
    values = {"token_hash": token_hash, "session_id": session_id, "issued_at": now}
    tx.execute(tables.refresh_token.insert().values(**values))


def spend_token(tx: sa.Connection, token_hash: str, *, now: datetime) -> None:
    """The refresh token has been used."""
    mine = tables.refresh_token.c.token_hash == token_hash
    tx.execute(tables.refresh_token.update().where(mine).values(spent_at=now))


def drop_stale(tx: sa.Connection, *, before: datetime, batch: int) -> int:
    """Forget at most *batch* sessions that were over before that instant, with their tokens."""
    old = sa.select(tables.session.c.id).where(tables.session.c.ends_by < before).limit(batch)
    ids = list(tx.execute(old).scalars())
    tx.execute(tables.refresh_token.delete().where(tables.refresh_token.c.session_id.in_(ids)))
    return tx.execute(tables.session.delete().where(tables.session.c.id.in_(ids))).rowcount


def _live(user_id: str, now: datetime) -> sa.Select[Any]:
    return sa.select(tables.session).where(
        tables.session.c.user_id == user_id,
        tables.session.c.ended_at.is_(None),
        tables.session.c.expires_at > now,
    )
