"""Browser sessions, kept on the server; in a file of this process, or where replicas share them.

The cookie is a random 128-bit id and nothing else. What is kept is found by a hash of the id and
sealed with a key made from it, so that the store alone opens nobody's session.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carport.portal.api import Problem

ANONYMOUS_S = 2 * 3600
IDLE_S = 30 * 60
ABSOLUTE_S = 24 * 3600
TOUCH_EVERY_S = 60
ID_LENGTH = 22
NONCE_BYTES = 12
AWAY_RETRY_S = 5

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Session:
    """What is kept of one browser; ``data`` has ``tokens`` once somebody has signed in."""

    id: str
    data: dict[str, Any]

    @property
    def is_signed_in(self) -> bool:
        return "tokens" in self.data


class SessionsAway(Problem):
    """Nobody can say whose browser this is. Nothing was sent on, and nobody is signed out."""

    def __init__(self) -> None:
        super().__init__(503, "sessions_away", money_moved="no", retry_after=AWAY_RETRY_S)


class SessionStore(Protocol):
    """Creates, reads, changes and ends sessions. Every method may raise SessionsAway."""

    def create(self, data: dict[str, Any]) -> Session:
        """A session with a new id; an id that came from a browser is never taken over."""

    def load(self, session_id: str) -> Session | None:
        """The session, if it is still alive; reading counts as use."""

    def change(self, session_id: str, change: Change) -> Session | None:
        """Apply *change* to what is stored now, so that parallel requests lose nothing."""

    def end(self, session_id: str) -> None:
        """No such session from now on."""

    def flight(self, session_id: str) -> AbstractContextManager[Any]:
        """The lock under which this session's tokens are refreshed: one refresh at a time."""

    def close(self) -> None:
        """Let go of what is open."""


def new_id() -> str:
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    return len(text) == ID_LENGTH and text.isascii()


def ends_at(created_at: int, used_at: int, *, is_signed_in: bool) -> int:
    """When a session ends by itself: idle or a day old, a visitor's after two hours."""
    if is_signed_in:
        return min(used_at + IDLE_S, created_at + ABSOLUTE_S)
    return created_at + ANONYMOUS_S


def key_of(session_id: str) -> str:
    """What a session is found by."""
    return hashlib.sha256(b"carport portal row " + session_id.encode()).hexdigest()


def seal(session_id: str, data: dict[str, Any]) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = json.dumps(data, separators=(",", ":")).encode()
    return nonce + _cipher(session_id).encrypt(nonce, text, None)


def unseal(session_id: str, sealed: bytes) -> dict[str, Any] | None:
    """None for what was not sealed for this session."""
    try:
        text = _cipher(session_id).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
    except InvalidTag:
        return None
    data: dict[str, Any] = json.loads(text)
    return data


def _cipher(session_id: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"carport portal data " + session_id.encode()).digest())
