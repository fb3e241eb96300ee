"""Sessions in a small SQLite file, one row each: for a portal that is one process."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from carport.portal.sessions import (
    ABSOLUTE_S,
    ANONYMOUS_S,
    IDLE_S,
    TOUCH_EVERY_S,
    Change,
    Session,
    ends_at,
    is_id,
    key_of,
    new_id,
    seal,
    unseal,
)

PRUNE_EVERY_S = 600
FLIGHTS = 64

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    key TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    signed_in INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""


class FileStore:
    """Idle and absolute limits are those of the server's clock."""

    def __init__(self, file: Path, *, now: Callable[[], float]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=5)
        self._lock = threading.Lock()
        self._now = now
        self._pruned_at = 0.0
        self._flights = tuple(threading.Lock() for _ in range(FLIGHTS))
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def flight(self, session_id: str) -> threading.Lock:
        """The lock under which this session's tokens are refreshed: one refresh at a time."""
        return self._flights[int(key_of(session_id)[:8], 16) % FLIGHTS]

    def create(self, data: dict[str, Any]) -> Session:
        """A session with a new id; an id that came from a browser is never taken over."""
        self._prune()
        session = Session(new_id(), data)
        now = int(self._now())
        with self._lock:
            self._db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
                (key_of(session.id), seal(session.id, data), session.is_signed_in, now, now),
            )
        return session

    def load(self, session_id: str) -> Session | None:
        """The session, if it is still alive; reading counts as use."""
        if not is_id(session_id):
            return None
        with self._lock:
            return self._load(session_id)

    def change(self, session_id: str, change: Change) -> Session | None:
        """Apply *change* to what is stored now, so that parallel requests lose nothing."""
        with self._lock, closing(self._db.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                session = self._load(session_id)
                if session is not None:
                    change(session.data)
                    cursor.execute(
                        "UPDATE session SET sealed = ?, signed_in = ? WHERE key = ?",
                        (
                            seal(session_id, session.data),
                            session.is_signed_in,
                            key_of(session_id),
                        ),
                    )
            finally:
                cursor.execute("COMMIT")
        return session

    def end(self, session_id: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM session WHERE key = ?", (key_of(session_id),))

    def _load(self, session_id: str) -> Session | None:
        row = self._db.execute(
            "SELECT sealed, signed_in, created_at, used_at FROM session WHERE key = ?",
            (key_of(session_id),),
        ).fetchone()
        if row is None:
            return None
        sealed, signed_in, created_at, used_at = row
        now = int(self._now())
        if now >= ends_at(created_at, used_at, is_signed_in=bool(signed_in)):
            return None
        if now - used_at >= TOUCH_EVERY_S:
            self._db.execute(
                "UPDATE session SET used_at = ? WHERE key = ?", (now, key_of(session_id))
            )
        data = unseal(session_id, sealed)
        return Session(session_id, data) if data is not None else None

    def _prune(self) -> None:
        now = self._now()
        if now - self._pruned_at < PRUNE_EVERY_S:
            return
        self._pruned_at = now
        with self._lock:
            self._db.execute(
                "DELETE FROM session WHERE created_at < ? OR (signed_in AND used_at < ?)"
                " OR (NOT signed_in AND created_at < ?)",
                (now - ABSOLUTE_S, now - IDLE_S, now - ANONYMOUS_S),
            )
