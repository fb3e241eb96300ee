"""Forgotten password and user name: asked for by mail, answered by mail, never in the answer.

A request for an unknown address does the same work and sends nothing.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from carport.auth import events, tokens
from carport.auth.commands import sessions, tries
from carport.auth.commands.means import Means
from carport.auth.domain.lifetimes import REMINDER, RESET_LINK
from carport.auth.domain.refusals import InvalidToken
from carport.auth.repo import counters, links, people
from carport.auth.tokens import Keys
from carport.shared import outbox


def request_reset(tx: sa.Connection, email: str, *, keys: Keys, now: datetime) -> None:
    """Have a link mailed to the stored address of whoever has this one; older links are void.

    Of two requests at once one waits for the other where the mails of an address are counted.
    """
    user = _reachable(tx, email, keys=keys, now=now)
    token, expires_at = tokens.new_secret(), now + RESET_LINK
    mail = {"email": user.email if user else email, "token": token}
    sealed = keys.sealed_for_notifications(mail, expires_at=expires_at)
    if user is None:
        return
    links.replace_reset(
        tx,
        token_hash=tokens.fingerprint(token),
        user_id=user.id,
        expires_at=expires_at,
        now=now,
    )
    asked = events.password_reset_requested(user.id, sealed=sealed, expires_at=expires_at, now=now)
    outbox.add(tx, asked)


def remind_username(tx: sa.Connection, email: str, *, keys: Keys, now: datetime) -> None:
    """Have the user name mailed to the stored address of whoever has this one."""
    user = _reachable(tx, email, keys=keys, now=now)
    expires_at = now + REMINDER
    mail = {"email": user.email if user else email, "username": user.username if user else None}
    sealed = keys.sealed_for_notifications(mail, expires_at=expires_at)
    if user is None:
        return
    asked = events.username_reminder_requested(
        user.id, sealed=sealed, expires_at=expires_at, now=now
    )
    outbox.add(tx, asked)


def reset_password(tx: sa.Connection, token: str, *, password_hash: str, means: Means) -> str:
    """Set the password a link allows to set; answers the user's id.

    Every session ends with it, and nobody is logged in. Raises InvalidToken.
    """
    token_hash = tokens.fingerprint(token)
    found = links.find_reset(tx, token_hash, now=means.now)
    user = people.lock_user(tx, found.user_id) if found else None
    # The link again, under the lock: it may have been used or replaced meanwhile.
    if user is None or user.is_disabled or not links.find_reset(tx, token_hash, now=means.now):
        raise InvalidToken
    set_password(tx, user, password_hash=password_hash, cause="reset", means=means)
    sessions.end_all(tx, user.id, reason="password_reset", means=means)
    counters.clear_guards(tx, user.id)
    return str(user.id)


def set_password(
    tx: sa.Connection, user: people.Row, *, password_hash: str, cause: str, means: Means
) -> None:
    """Store another password, void every reset link and say so."""
    people.change_user(tx, user.id, password_hash=password_hash, password_changed_at=means.now)
    links.drop_resets(tx, user.id)
    changed = events.password_changed(user.id, party_id=user.party_id, cause=cause, now=means.now)
    outbox.add(tx, changed)


def _reachable(tx: sa.Connection, email: str, *, keys: Keys, now: datetime) -> people.Row | None:
    """Whoever a mail about *email* goes to, within what an address gets in an hour."""
    allowed = tries.count_mail(tx, email, keys=keys, now=now)
    user = people.find_user_named(tx, email) if "@" in email else None
    reachable = user is not None and user.email_verified_at is not None and not user.is_disabled
    return user if allowed and reachable else None
