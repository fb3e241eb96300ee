"""The events auth publishes, built in one place. Secrets travel sealed for notifications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from carport.shared.events import Event, make

REGISTRATION_REQUESTED = "auth.registration_requested.v1"
USER_REGISTERED = "auth.user_registered.v1"
ACCOUNT_LINKED = "auth.account_linked.v1"
CONTACT_VERIFIED = "auth.contact_verified.v1"
PASSWORD_RESET_REQUESTED = "auth.password_reset_requested.v1"  # noqa: S105 - a type's name
USERNAME_REMINDER_REQUESTED = "auth.username_reminder_requested.v1"
PASSWORD_CHANGED = "auth.password_changed.v1"  # noqa: S105 - a type's name
SESSION_ENDED = "auth.session_ended.v1"

PUBLISHES = frozenset(
    {
        REGISTRATION_REQUESTED,
        USER_REGISTERED,
        ACCOUNT_LINKED,
        CONTACT_VERIFIED,
        PASSWORD_RESET_REQUESTED,
        USERNAME_REMINDER_REQUESTED,
        PASSWORD_CHANGED,
        SESSION_ENDED,
    }
)


def registration_requested(
    registration_id: str,
    *,
    outcome: str,
    account_id: str | None,
    sealed: str,
    expires_at: datetime,
    now: datetime,
) -> Event:
    """Somebody asked to register; *outcome* says which mail the typed address gets."""
    data = {
        "registration_id": registration_id,
        "outcome": outcome,
        "account_id": account_id,
        "sealed": sealed,
        "expires_at": _instant(expires_at),
    }
    return make(REGISTRATION_REQUESTED, subject=account_id or registration_id, data=data, now=now)


def user_registered(
    user_id: str, *, party_id: str, account_ids: Sequence[str], now: datetime
) -> Event:
    """A registration is complete."""
    data = {"user_id": user_id, "party_id": party_id, "account_ids": list(account_ids)}
    return make(USER_REGISTERED, subject=user_id, data=data, now=now)


def account_linked(
    user_id: str, *, party_id: str, account_id: str, role: str, now: datetime
) -> Event:
    """A user may see a contract from now on."""
    data = {"user_id": user_id, "party_id": party_id, "account_id": account_id, "role": role}
    return make(ACCOUNT_LINKED, subject=account_id, data=data, now=now)


def contact_verified(user_id: str, *, party_id: str, email: str, now: datetime) -> Event:
    """A user has shown to read mail at *email*: it counts from now on."""
    data = {"user_id": user_id, "party_id": party_id, "email": email}
    return make(CONTACT_VERIFIED, subject=user_id, data=data, now=now)


def password_reset_requested(
    user_id: str, *, sealed: str, expires_at: datetime, now: datetime
) -> Event:
    """A link to set a new password is to be mailed."""
    return _mail(PASSWORD_RESET_REQUESTED, user_id, sealed, expires_at, now=now)


def username_reminder_requested(
    user_id: str, *, sealed: str, expires_at: datetime, now: datetime
) -> Event:
    """The user name is to be mailed."""
    return _mail(USERNAME_REMINDER_REQUESTED, user_id, sealed, expires_at, now=now)


def password_changed(user_id: str, *, party_id: str | None, cause: str, now: datetime) -> Event:
    """The password is another one; *cause* is ``reset`` or ``changed``."""
    data = {"user_id": user_id, "party_id": party_id, "cause": cause}
    return make(PASSWORD_CHANGED, subject=user_id, data=data, now=now)


def session_ended(session_id: str, *, user_id: str, reason: str, now: datetime) -> Event:
    """A session is over."""
    data = {"session_id": session_id, "user_id": user_id, "reason": reason}
    return make(SESSION_ENDED, subject=session_id, data=data, now=now)


def _mail(type_: str, user_id: str, sealed: str, expires_at: datetime, *, now: datetime) -> Event:
    data: dict[str, Any] = {
        "user_id": user_id,
        "sealed": sealed,
        "expires_at": _instant(expires_at),
    }
    return make(type_, subject=user_id, data=data, now=now)


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
