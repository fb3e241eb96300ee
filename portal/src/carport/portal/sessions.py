"""Browser sessions, kept on the server: one row each in a small SQLite file.

The cookie is a random 128-bit id and nothing else. The row is found by a hash of the id and sealed
with a key made from it, so that the file alone opens nobody's session.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ANONYMOUS_S = 2 * 3600
IDLE_S = 30 * 60
ABSOLUTE_S = 24 * 3600
TOUCH_EVERY_S = 60
PRUNE_EVERY_S = 600
ID_LENGTH = 22
FLIGHTS = 64
NONCE_BYTES = 12

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    key TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    signed_in INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Session:
    """What is kept of one browser; ``data`` has ``tokens`` once somebody has signed in."""

    id: str
    data: dict[str, Any]

    @property
    def is_signed_in(self) -> bool:
        return "tokens" in self.data


class SessionStore:
    """Creates, reads, changes and ends sessions; idle and absolute limits by the server's clock."""

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
        return self._flights[int(_row_key(session_id)[:8], 16) % FLIGHTS]

    def create(self, data: dict[str, Any]) -> Session:
        """A session with a new id; an id that came from a browser is never taken over."""
        self._prune()
        session = Session(secrets.token_urlsafe(16), data)
        now = int(self._now())
        with self._lock:
            self._db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
                (_row_key(session.id), _seal(session.id, data), session.is_signed_in, now, now),
            )
        return session

    def load(self, session_id: str) -> Session | None:
        """The session, if it is still alive; reading counts as use."""
        if len(session_id) != ID_LENGTH or not session_id.isascii():
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
                            _seal(session_id, session.data),
                            session.is_signed_in,
                            _row_key(session_id),
                        ),
                    )
            finally:
                cursor.execute("COMMIT")
        return session

    def end(self, session_id: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM session WHERE key = ?", (_row_key(session_id),))

    def _load(self, session_id: str) -> Session | None:
        row = self._db.execute(
            "SELECT sealed, signed_in, created_at, used_at FROM session WHERE key = ?",
            (_row_key(session_id),),
        ).fetchone()
        if row is None:
            return None
        sealed, signed_in, created_at, used_at = row
        now = int(self._now())
        if now >= _expiry(signed_in, created_at, used_at):
            return None
        if now - used_at >= TOUCH_EVERY_S:
            self._db.execute(
                "UPDATE session SET used_at = ? WHERE key = ?", (now, _row_key(session_id))
            )
        data = _open(session_id, sealed)
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


def _expiry(signed_in: int, created_at: int, used_at: int) -> int:
    if signed_in:
        return min(used_at + IDLE_S, created_at + ABSOLUTE_S)
    return created_at + ANONYMOUS_S


def _row_key(session_id: str) -> str:
    return hashlib.sha256(b"carport portal row " + session_id.encode()).hexdigest()


def _cipher(session_id: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"carport portal data " + session_id.encode()).digest())


def _seal(session_id: str, data: dict[str, Any]) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = json.dumps(data, separators=(",", ":")).encode()
    return nonce + _cipher(session_id).encrypt(nonce, text, None)


def _open(session_id: str, sealed: bytes) -> dict[str, Any] | None:
    try:
        text = _cipher(session_id).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
    except InvalidTag:
        return None
    data: dict[str, Any] = json.loads(text)
    return data
