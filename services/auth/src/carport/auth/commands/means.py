"""What commands that hand out or end sessions need from outside: keys, the store, the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from carport.auth.tokens import Keys
from carport.shared.sessions import Sessions


@dataclass(frozen=True)
class Means:
    """*live* is the allow-list every guard reads; *now* is real time."""

    keys: Keys
    live: Sessions
    now: datetime


@dataclass(frozen=True)
class Client:
    """What asks for tokens: the application, and a hash of the device it runs on ("" unknown)."""

    client_id: str
    device: str


@dataclass(frozen=True)
class Issued:
    """Tokens to answer, and whose they are."""

    access_token: str
    refresh_token: str
    refresh_expires_in: int
    user_id: str
    scopes: list[str]
