"""What a logged-in user changes: user name, password, further contracts of the same person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from carport.auth.commands import links, recovery, sessions
from carport.auth.commands.means import Means
from carport.auth.commands.registration import Proof, match
from carport.auth.domain.names import canonical
from carport.auth.domain.refusals import UsernameTaken
from carport.auth.repo import people
from carport.auth.tokens import Keys
from carport.shared.errors import Unauthenticated


def own_user(tx: sa.Connection, user_id: str) -> people.Row:
    """The caller's row, locked. Raises Unauthenticated."""
    user = people.lock_user(tx, user_id)
    if user is None:
        raise Unauthenticated
    return user


def change_username(tx: sa.Connection, user: people.Row, *, username: str) -> None:
    """Give the locked *user* another user name (parsed). Raises UsernameTaken."""
    key = canonical(username)
    if key != user.username_key and not people.is_username_free(tx, username):
        raise UsernameTaken
    try:
        people.change_user(tx, user.id, username=username, username_key=key)
    except IntegrityError:
        raise UsernameTaken from None


def change_password(
    tx: sa.Connection, user_id: str, *, session_id: str, password_hash: str, means: Means
) -> None:
    """Set another password; every session but this one ends."""
    user = own_user(tx, user_id)
    recovery.set_password(tx, user, password_hash=password_hash, cause="changed", means=means)
    sessions.end_all(tx, user_id, reason="password_changed", means=means, but=session_id)


def link_account(
    tx: sa.Connection, user_id: str, proof: Proof, *, keys: Keys, now: datetime
) -> dict[str, Any] | None:
    """Link the contracts of another party this user proves to be; answers the one asked for.

    None is a refusal; the count of tries is part of this transaction, so the caller commits.
    """
    matched = match(tx, proof, keys=keys, now=now)
    if matched is None:
        return None
    party = people.lock_party(tx, matched["party_id"])
    if party.user_id not in (None, user_id):
        return None
    links.link_party(tx, party.id, user_id=user_id, now=now)
    return {
        "account_id": matched["account_id"],
        "account_number": f"••••{matched['account_number'][-4:]}",
        "role": matched["role"],
    }
