"""Answers of auth: who may try a password, who am I, which sessions do I have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.auth import tokens
from carport.auth.domain.lifetimes import STEP_UP
from carport.auth.domain.names import canonical
from carport.auth.domain.refusals import InvalidToken
from carport.auth.passwords import DUMMY_HASH
from carport.auth.repo import demo, links, people, sessions
from carport.shared.errors import NotFound, Unauthenticated


@dataclass(frozen=True)
class Candidate:
    """What a password is checked against, and under which name the try is counted.

    Unknown names share 256 counts, so that a try at one costs the same write and nothing grows.
    """

    subject: str
    user_id: str | None
    password_hash: str


def candidate_named(tx: sa.Connection, name: str) -> Candidate:
    """The candidate for a user name or e-mail address, known or not."""
    user = people.find_user_named(tx, name)
    if user is None:
        bucket = hashlib.sha256(canonical(name).encode()).hexdigest()[:2]
        return Candidate(f"unknown:{bucket}", None, DUMMY_HASH)
    return Candidate(user.id, user.id, user.password_hash)


def candidate(tx: sa.Connection, user_id: str) -> Candidate:
    """The candidate with that id."""
    user = _user(tx, user_id)
    return Candidate(user.id, user.id, user.password_hash)


def me(tx: sa.Connection, user_id: str, *, session_id: str, now: datetime) -> dict[str, Any]:
    """The caller's profile."""
    user = _user(tx, user_id)
    session = sessions.find(tx, session_id)
    fresh_until = session.auth_time + STEP_UP if session else now
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "email_verified": user.email_verified_at is not None,
        "party": user.party_id,
        "accounts": people.account_ids(tx, user_id),
        "scopes": user.scopes,
        "created_at": instant(user.created_at),
        "step_up_until": instant(fresh_until) if fresh_until > now else None,
    }


def names_of(tx: sa.Connection, user_id: str) -> list[str]:
    """What a password of that user may not contain."""
    user = _user(tx, user_id)
    return [name for name in (user.username, user.email) if name]


def reset_candidate(tx: sa.Connection, token: str, *, now: datetime) -> Candidate:
    """Whose password a reset link sets. Raises InvalidToken."""
    reset = links.find_reset(tx, tokens.fingerprint(token), now=now)
    if reset is None:
        raise InvalidToken
    return candidate(tx, reset.user_id)


def own_sessions(
    tx: sa.Connection, user_id: str, *, current: str, now: datetime
) -> list[dict[str, Any]]:
    """The caller's live sessions, the last used first."""
    return [
        {
            "id": session.id,
            "created_at": instant(session.created_at),
            "last_used_at": instant(session.last_used_at),
            "client_id": session.client_id,
            "current": session.id == current,
        }
        for session in sessions.live_of_user(tx, user_id, now=now)
    ]


def demo_directory(tx: sa.Connection) -> dict[str, Any]:
    """The credentials of the demo. Raises NotFound before the demo has been loaded."""
    entries = demo.entries(tx)
    if not entries:
        raise NotFound("The demo has not been loaded.")
    return {
        "customers": [row.entry for row in entries if row.kind == "customer"],
        "staff": [row.entry for row in entries if row.kind == "staff"],
    }


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def _user(tx: sa.Connection, user_id: str) -> people.Row:
    user = people.find_user(tx, user_id)
    if user is None:
        raise Unauthenticated
    return user
