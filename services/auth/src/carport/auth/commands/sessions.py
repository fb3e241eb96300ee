"""Sessions: begin, refresh, prove again, end. A session is a family of refresh tokens.

Every change happens under the lock of the session's row, and the store of live sessions is told
before the change commits and is answered: a session that ended never works again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from carport.auth import events, tokens
from carport.auth.commands.means import Client, Issued, Means
from carport.auth.domain import rotation
from carport.auth.domain.lifetimes import SESSION_ABSOLUTE, expires_at
from carport.auth.domain.rotation import Verdict
from carport.auth.repo import people
from carport.auth.repo import sessions as rows
from carport.shared import failpoints, outbox
from carport.shared.errors import NotFound
from carport.shared.kernel.ids import new_id

PASSWORD_ACR = "pwd"  # noqa: S105 - how somebody authenticated
SESSIONS_PER_USER_MAX = 50


@dataclass(frozen=True)
class Family:
    """A live session as its tokens need it."""

    id: str
    acr: str
    auth_time: datetime
    expires_at: datetime


def start(tx: sa.Connection, user: people.Row, *, client: Client, means: Means) -> Issued:
    """A new session of *user*, who has just authenticated; the oldest gives way to the 51st."""
    now, secret = means.now, tokens.new_secret()
    live = rows.lock_live_of_user(tx, user.id, now=now)
    for surplus in live[: max(0, len(live) + 1 - SESSIONS_PER_USER_MAX)]:
        end(tx, surplus, reason="too_many", means=means)
    ends_by = now + SESSION_ABSOLUTE
    until = expires_at(last_used_at=now, ends_by=ends_by)
    family = Family(new_id(now), PASSWORD_ACR, auth_time=now, expires_at=until)
    rows.add(
        tx,
        id=family.id,
        user_id=user.id,
        client_id=client.client_id,
        device=client.device,
        acr=family.acr,
        auth_time=now,
        created_at=now,
        last_used_at=now,
        expires_at=until,
        ends_by=ends_by,
    )
    rows.add_token(tx, token_hash=tokens.fingerprint(secret), session_id=family.id, now=now)
    means.live.open(family.id, until)
    return _issued(tx, user, family, refresh_token=secret, means=means)


def refresh(tx: sa.Connection, token: str, *, client: Client, means: Means) -> Issued | None:
    """The tokens that follow refresh token *token*; None when it is refused.

    Re-use ends the session in this transaction, so the caller commits either way.
    """
    parent = tokens.fingerprint(token)
    known = rows.find_token(tx, parent)
    session = rows.lock(tx, known.session_id) if known else None
    presented = rows.find_token(tx, parent)  # again: the lock may have waited for its rotation
    if session is None or presented is None or rows.is_over(session, now=means.now):
        return None
    same_client = (session.client_id, session.device) == (client.client_id, client.device)
    seen = rotation.Presented(presented.spent_at, same_client)
    verdict = rotation.decide(seen, now=means.now)
    if verdict is Verdict.REUSED:
        end(tx, session, reason="refresh_token_reused", means=means)
    if verdict not in (Verdict.ROTATE, Verdict.REPEAT):
        return None
    return _continue(tx, session, parent, is_first=verdict is Verdict.ROTATE, means=means)


def prove_again(tx: sa.Connection, session_id: str, *, means: Means) -> Issued | None:
    """Note that the session's user has just authenticated; None when the session is over.

    The refresh token rotates, as at a refresh.
    """
    session = rows.lock(tx, session_id)
    if session is None or rows.is_over(session, now=means.now):
        return None
    rows.change(tx, session_id, auth_time=means.now)
    parent = rows.unspent_token(tx, session_id)
    session = rows.lock(tx, session_id)
    if session is None or parent is None:
        return None
    return _continue(tx, session, parent.token_hash, is_first=True, means=means)


def end(tx: sa.Connection, session: rows.Row, *, reason: str, means: Means) -> None:
    """End a locked session; one that is over stays as it is."""
    if session.ended_at is not None:
        return
    means.live.end(session.id)
    failpoints.hit("auth.after_session_key_deleted")
    rows.change(tx, session.id, ended_at=means.now, end_reason=reason)
    ended = events.session_ended(session.id, user_id=session.user_id, reason=reason, now=means.now)
    outbox.add(tx, ended)


def end_one(tx: sa.Connection, session_id: str, *, user_id: str, reason: str, means: Means) -> None:
    """End a session of that user. Raises NotFound for another's, as for an unknown one."""
    session = rows.lock(tx, session_id)
    if session is None or session.user_id != user_id or rows.is_over(session, now=means.now):
        raise NotFound
    end(tx, session, reason=reason, means=means)


def end_all(
    tx: sa.Connection, user_id: str, *, reason: str, means: Means, but: str | None = None
) -> None:
    """End every session of the user except *but*."""
    for session in rows.lock_live_of_user(tx, user_id, now=means.now):
        if session.id != but:
            end(tx, session, reason=reason, means=means)


def _continue(
    tx: sa.Connection, session: rows.Row, parent: str, *, is_first: bool, means: Means
) -> Issued | None:
    user = people.find_user(tx, session.user_id)
    if user is None or user.is_disabled:
        return None
    following = tokens.successor(means.keys, session_id=session.id, parent=parent)
    until = session.expires_at
    if is_first:
        until = expires_at(last_used_at=means.now, ends_by=session.ends_by)
        rows.spend_token(tx, parent, now=means.now)
        new_hash = tokens.fingerprint(following)
        rows.add_token(tx, token_hash=new_hash, session_id=session.id, now=means.now)
        rows.change(tx, session.id, last_used_at=means.now, expires_at=until)
    means.live.open(session.id, until)
    if not means.live.is_live(session.id, means.now):
        # Ended in the store by a transaction that then failed to commit: the end counts.
        end(tx, session, reason="ended_elsewhere", means=means)
        return None
    family = Family(session.id, session.acr, session.auth_time, until)
    return _issued(tx, user, family, refresh_token=following, means=means)


def _issued(
    tx: sa.Connection, user: people.Row, family: Family, *, refresh_token: str, means: Means
) -> Issued:
    claims = tokens.Claims(
        user_id=user.id,
        session_id=family.id,
        scopes=user.scopes,
        party_id=user.party_id,
        account_ids=people.account_ids(tx, user.id),
        acr=family.acr,
        auth_time=family.auth_time,
    )
    return Issued(
        access_token=tokens.access_token(means.keys, claims, now=means.now),
        refresh_token=refresh_token,
        refresh_expires_in=int((family.expires_at - means.now).total_seconds()),
        user_id=user.id,
        scopes=user.scopes,
    )
