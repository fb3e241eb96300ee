"""The lender's own people: made by an operator at the command line, never by registering."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from carport.auth.commands import sessions
from carport.auth.commands.means import Means
from carport.auth.domain.names import canonical, parse_email, parse_username
from carport.auth.domain.refusals import NotStaff, UsernameTaken
from carport.auth.repo import people
from carport.shared.errors import NotFound
from carport.shared.kernel.ids import new_id

SCOPES = ("agent", "supervisor", "operator")


def add(
    tx: sa.Connection, name: str, *, password_hash: str, scopes: Sequence[str], now: datetime
) -> str:
    """Make a staff user called *name* (a user name or an address); answers the id.

    Raises UsernameTaken, InvalidEmail, InvalidUsername.
    """
    column = "email" if "@" in name else "username"
    parsed = parse_email(name) if column == "email" else parse_username(name)
    user_id = new_id(now)
    added = people.add_user(
        tx,
        id=user_id,
        **{column: parsed, f"{column}_key": canonical(parsed)},
        password_hash=password_hash,
        password_changed_at=now,
        scopes=in_order(scopes),
        created_at=now,
    )
    if not added:
        raise UsernameTaken
    return user_id


def put(
    tx: sa.Connection, name: str, *, password_hash: str, scopes: Sequence[str], means: Means
) -> str:
    """Make that staff user, or give the existing one this password and these scopes (sandbox).

    Raises NotStaff for a customer's name.
    """
    user = people.find_user_named(tx, name)
    if user is None:
        return add(tx, name, password_hash=password_hash, scopes=scopes, now=means.now)
    if user.scopes == ["customer"]:
        raise NotStaff
    people.change_user(
        tx,
        user.id,
        password_hash=password_hash,
        password_changed_at=means.now,
        scopes=in_order(scopes),
    )
    sessions.end_all(tx, user.id, reason="changed_by_operator", means=means)
    return str(user.id)


def disable(tx: sa.Connection, name: str, *, means: Means) -> None:
    """Let the user, staff or customer, in no more. Raises NotFound."""
    user = people.find_user_named(tx, name)
    if user is None:
        raise NotFound(f"There is no user called {name}.")
    people.change_user(tx, user.id, is_disabled=True)
    sessions.end_all(tx, user.id, reason="disabled", means=means)


def in_order(scopes: Sequence[str]) -> list[str]:
    """*scopes*, each once, the least first."""
    return [scope for scope in SCOPES if scope in scopes]
