"""Answers of auth: who may try a password, who am I, which sessions do I have, does all hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.auth import events, tables, tokens
from carport.auth.domain.lifetimes import STEP_UP
from carport.auth.domain.names import canonical
from carport.auth.domain.refusals import InvalidToken
from carport.auth.passwords import DUMMY_HASH
from carport.auth.repo import demo, links, people, sessions
from carport.shared import said
from carport.shared.checks import Check, sentences, stream
from carport.shared.errors import NotFound, Unauthenticated
from carport.shared.said import Fact, kept


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


def repeated_tokens(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Sessions with more than one refresh token that was not used."""
    token, times = tables.refresh_token, sa.func.count()
    query = sa.select(token.c.session_id, times).where(token.c.spent_at.is_(None))
    for row in stream(tx, query.group_by(token.c.session_id).having(times > 1)):
        yield f"session {row.session_id} has {row[1]} refresh tokens that work"


def surviving_sessions(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Users whose sessions outlived a new password (but the one that set it) or being disabled."""
    user, session = tables.user, tables.session
    is_old = sa.case((user.c.is_disabled.is_(sa.true()), 2),
                     (session.c.created_at < user.c.password_changed_at, 1), else_=0)  # fmt: skip
    query = (
        sa.select(user.c.id)
        .join(session, session.c.user_id == user.c.id)
        .where(session.c.ended_at.is_(None), session.c.expires_at > before)
        .group_by(user.c.id)
        .having(sa.func.sum(is_old) > 1)
    )
    for row in stream(tx, query):
        yield f"user {row.id} has sessions that should have ended"


def repeated_resets(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Users with more than one link to set a password."""
    reset, times = tables.password_reset, sa.func.count()
    query = sa.select(reset.c.user_id, times).group_by(reset.c.user_id)
    for row in stream(tx, query.having(times > 1)):
        yield f"user {row.user_id} has {row[1]} links to set a password"


def facts(tx: sa.Connection) -> Iterator[Fact]:
    """What is said once each and stays."""
    user, link = tables.user, tables.account_link
    is_customer, user_id = user.c.party_id.is_not(None), said.of_data(tx, "user_id")
    pair = said.of_data(tx, "user_id", "account_id")
    linked = link.c.user_id + ":" + link.c.account_id
    yield Fact(events.USER_REGISTERED, user.c.id, user_id, is_customer, kept(user.c.created_at))
    yield Fact(events.ACCOUNT_LINKED, linked, pair, sa.true(), kept(link.c.linked_at))


def ended_sessions(tx: sa.Connection) -> Iterator[Fact]:
    """Also what is forgotten after a while."""
    session = tables.session
    has_ended, at = session.c.ended_at.is_not(None), kept(session.c.ended_at)
    yield from facts(tx)
    yield Fact(events.SESSION_ENDED, session.c.id, said.of_data(tx, "session_id"), has_ended, at)


END_THEM = "End them: `carport staff disable NAME` for staff, a password reset for a customer."
CHECKS = (
    Check("I-34", "A session has at most one refresh token that works.", END_THEM, repeated_tokens),
    Check("I-35", "No session outlives another password, or its user's being disabled.", END_THEM,
          surviving_sessions),
    Check("I-40", "Only the newest link to set a password works.", "Delete the older rows: each of "
          "them lets somebody in.", repeated_resets),
    said.unsaid(ended_sessions),
    said.untrue(facts),
)  # fmt: skip
verify = sentences(CHECKS)
