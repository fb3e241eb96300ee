"""What a request brings to a command: keys, the store of sessions, the time, the client."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import request

from carport.auth import passwords, queries
from carport.auth.commands import login
from carport.auth.commands.means import Client, Issued, Means
from carport.auth.domain import password_policy
from carport.auth.domain.lifetimes import ACCESS_TOKEN
from carport.auth.tokens import Keys
from carport.shared.errors import Unauthenticated
from carport.shared.web import current, principal, sessions

WRONG = "The user ID or the password is not right, or it cannot be used at the moment."
ACCEPTED = {
    "status": "accepted",
    "detail": "Look into your mail: what comes next, if anything, is sent to that address.",
}


def keys() -> Keys:
    """Auth's keys."""
    return Keys.of(current().settings.keys)


def means() -> Means:
    """What commands need that hand out or end sessions."""
    return Means(keys(), live=sessions(), now=current().clock())


def client(client_id: str) -> Client:
    """The client of this request: its device is the opaque ``X-Device`` header, if any."""
    device = request.headers.get("X-Device", "")
    return Client(client_id, hashlib.sha256(device.encode()).hexdigest() if device else "")


def attempt(password: str) -> login.Attempt:
    """*password*, checked against that of the user who asks."""
    with current().reading() as tx:
        candidate = queries.candidate(tx, principal().sub)
    return login.check(candidate, password)


def new_hash(password: str, *, names: list[str]) -> str:
    """The hash of a password somebody with these names may use. Raises WeakPassword."""
    password_policy.check(password, names=names)
    return passwords.hashed(password)


def refused() -> Unauthenticated:
    """The one answer to credentials that open nothing."""
    return Unauthenticated("invalid_credentials", WRONG)


def answer(issued: Issued) -> dict[str, Any]:
    """Tokens as they are answered."""
    return {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_TOKEN.total_seconds()),
        "refresh_token": issued.refresh_token,
        "refresh_expires_in": issued.refresh_expires_in,
        "user": {"id": issued.user_id, "scopes": issued.scopes},
    }
