"""Sessions where all replicas of the portal share them: a key each, which expires with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError, WatchError

from carport.portal.sessions import (
    TOUCH_EVERY_S,
    Change,
    Session,
    SessionsAway,
    ends_at,
    is_id,
    key_of,
    new_id,
    seal,
    unseal,
)
from carport.shared.valkey import away_as

if TYPE_CHECKING:
    from redis import Redis

CHANGES_TRIED_MAX = 50
"""Of those who change one session at once, one succeeds in each round."""
STEP_ASIDE_S = 0.001
FLIGHT_S = 5.0
"""Longer than a page and all its calls may take."""
FLIGHT_WAIT_S = 2.5
FLIGHT_LOOK_S = 0.02


class ValkeyStore:
    """The day a session may last counts from a time sealed with it, the idle time is the key's."""

    def __init__(self, client: Redis, *, now: Callable[[], float]) -> None:
        self._client: Any = client
        self._now = now

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def flight(self, session_id: str) -> Iterator[None]:
        """One refresh at a time over all replicas. One that dies is waited for until its lock
        expires; auth answers the same tokens to who asks again then."""
        name = f"portal:flight:{key_of(session_id)}"
        lock = self._client.lock(
            name, timeout=FLIGHT_S, blocking_timeout=FLIGHT_WAIT_S, sleep=FLIGHT_LOOK_S
        )
        with away_as(SessionsAway):
            if not lock.acquire():
                raise SessionsAway
        try:
            yield
        finally:
            with suppress(RedisError):
                lock.release()

    def create(self, data: dict[str, Any]) -> Session:
        """A session with a new id."""
        session = Session(new_id(), data)
        with away_as(SessionsAway):
            self._put(self._client, session, created_at=int(self._now()))
        return session

    def load(self, session_id: str) -> Session | None:
        """The session; its key lives on when it has been read. A key that has gone meanwhile is not
        brought back."""
        if not is_id(session_id):
            return None
        key = _key(session_id)
        with away_as(SessionsAway):
            with self._client.pipeline(transaction=False) as asked:
                sealed, left_ms = asked.get(key).pttl(key).execute()
            kept = self._alive(session_id, sealed)
            if kept is None:
                return None
            session, _, lives_ms = kept
            if lives_ms - left_ms >= TOUCH_EVERY_S * 1000:
                self._client.pexpire(key, lives_ms)
        return session

    def change(self, session_id: str, change: Change) -> Session | None:
        """Stored only if nobody else has changed the session meanwhile, else tried again: the more
        often, the longer others are let go first."""
        for tried in range(CHANGES_TRIED_MAX):
            time.sleep(tried * STEP_ASIDE_S)
            with away_as(SessionsAway), suppress(WatchError), self._client.pipeline() as tx:
                return self._changed(tx, session_id, change)
        raise SessionsAway

    def end(self, session_id: str) -> None:
        with away_as(SessionsAway):
            self._client.delete(_key(session_id))

    def _changed(self, tx: Any, session_id: str, change: Change) -> Session | None:
        tx.watch(_key(session_id))
        kept = self._alive(session_id, tx.get(_key(session_id)))
        if kept is None:
            return None
        session, created_at, _ = kept
        change(session.data)
        tx.multi()
        self._put(tx, session, created_at=created_at)
        tx.execute()
        return session

    def _alive(self, session_id: str, sealed: bytes | None) -> tuple[Session, int, int] | None:
        """The session in *sealed*, when it was made, and how long it lives if used now (ms)."""
        kept = unseal(session_id, sealed) if sealed is not None else None
        if kept is None:
            return None
        session, created_at = Session(session_id, kept["data"]), kept["created_at"]
        lives_ms = self._lives_ms(session, created_at)
        return (session, created_at, lives_ms) if lives_ms > 0 else None

    def _put(self, client: Any, session: Session, *, created_at: int) -> None:
        kept = {"created_at": created_at, "data": session.data}
        lives_ms = max(1, self._lives_ms(session, created_at))
        client.set(_key(session.id), seal(session.id, kept), px=lives_ms)

    def _lives_ms(self, session: Session, created_at: int) -> int:
        now = int(self._now())
        return (ends_at(created_at, now, is_signed_in=session.is_signed_in) - now) * 1000


def _key(session_id: str) -> str:
    return f"portal:{key_of(session_id)}"
