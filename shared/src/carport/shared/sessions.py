"""Which sessions are alive: an allow-list, so that a store that forgot everything locks out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from carport.shared import valkey
from carport.shared.db import UtcDateTime, make_engine
from carport.shared.errors import Unavailable

if TYPE_CHECKING:
    from redis import Redis

ENDED_KEPT = timedelta(minutes=11)
"""Longer than an access token lives: a session that is written late stays ended."""
AWAY = "Sessions cannot be checked at the moment. Nothing was changed; try again soon."

session = sa.table(
    "session",
    sa.column("id", sa.Text()),
    sa.column("ended_at", UtcDateTime()),
    sa.column("expires_at", UtcDateTime()),
)
"""The columns of auth's table that this module reads."""


class Sessions(Protocol):
    """A store of live sessions. Every method raises Unavailable when the store is away."""

    def is_live(self, sid: str, now: datetime) -> bool:
        """Whether the session was opened, has not ended and has not expired."""

    def open(self, sid: str, expires_at: datetime) -> None:
        """Before a token of the session is answered. An ended session stays ended."""

    def end(self, sid: str) -> None:
        """Before the end of the session is answered."""


class SqlSessions:
    """Auth's own table, for the embedded mode: the row auth commits is the truth, so that opening
    and ending need nothing here."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def is_live(self, sid: str, now: datetime) -> bool:
        """Whether auth's row says so."""
        alive = (session.c.ended_at.is_(None), session.c.expires_at > now)
        query = sa.select(session.c.id).where(session.c.id == sid, *alive)
        try:
            with self._engine.connect() as connection:
                reading = connection.execution_options(carport_reading=True)
                return reading.execute(query).first() is not None
        except SQLAlchemyError as error:
            raise away() from error

    def open(self, sid: str, expires_at: datetime) -> None:
        """Auth's transaction does it."""

    def end(self, sid: str) -> None:
        """Auth's transaction does it."""


class ValkeySessions:
    """A store all replicas ask. It may lose everything, and clients then refresh; it must not come
    back with what it knew before, so it keeps nothing on disk."""

    def __init__(self, client: Redis) -> None:
        self._client: Any = client

    def is_live(self, sid: str, now: datetime) -> bool:
        """Whether it was opened and has not ended; the store itself forgets what has expired."""
        with valkey.away_as(away):
            opened, ended = self._client.mget(f"session:{sid}", f"ended:{sid}")
        return opened is not None and ended is None

    def open(self, sid: str, expires_at: datetime) -> None:
        """Alive until *expires_at*, unless it has ended."""
        with valkey.away_as(away):
            self._client.set(f"session:{sid}", 1, pxat=expires_at)

    def end(self, sid: str) -> None:
        """Not alive any more, even if it is opened by somebody who is late."""
        with valkey.away_as(away), self._client.pipeline() as both:
            both.set(f"ended:{sid}", 1, ex=ENDED_KEPT).delete(f"session:{sid}").execute()


class MemorySessions:
    """A store of this process, for tests."""

    def __init__(self) -> None:
        self._live: dict[str, datetime] = {}
        self._ended: set[str] = set()

    def is_live(self, sid: str, now: datetime) -> bool:
        """Whether it was opened here."""
        return sid not in self._ended and now < self._live.get(sid, now)

    def open(self, sid: str, expires_at: datetime) -> None:
        """Alive until *expires_at*."""
        self._live[sid] = expires_at

    def end(self, sid: str) -> None:
        """Not alive any more."""
        self._ended.add(sid)
        self._live.pop(sid, None)


def away() -> Unavailable:
    """Nobody gets in while nobody can say who is."""
    return Unavailable(AWAY)


def connect(where: str | Sessions) -> Sessions:
    """The store at the address *where*; a store is answered as it is."""
    if not isinstance(where, str):
        return where
    if valkey.is_address(where):
        return ValkeySessions(valkey.client(where))
    return SqlSessions(make_engine(where))
