"""Notices about online access. Links and usernames arrive sealed and are sealed again at rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from carport.notifications import repo
from carport.notifications.commands import Notice, tell, tell_address
from carport.shared import db, sealed, telemetry
from carport.shared.events import Event

log = telemetry.logger("carport.notifications.identity")


def on_registration_requested(tx: Connection, event: Event, now: datetime) -> None:
    """The address typed at registration is told how it went; the web page never says."""
    _mail(tx, event, now, kind=f"registration_{event.data['outcome']}", page="/verify")


def on_password_reset_requested(tx: Connection, event: Event, now: datetime) -> None:
    """The link that lets the owner of the address choose a new password."""
    _mail(tx, event, now, kind="password_reset", page="/reset-password")


def on_username_reminder_requested(tx: Connection, event: Event, now: datetime) -> None:
    """The username that goes with the address."""
    _mail(tx, event, now, kind="username_reminder")


def on_user_registered(tx: Connection, event: Event, now: datetime) -> None:
    """The owner of the contract learns at the address the lender had (decision 21)."""
    person = repo.party(tx, event.data["party_id"])
    accounts = event.data["account_ids"]
    account = repo.account(tx, accounts[0]) if accounts else None
    notice = Notice("user_registered", event.data["user_id"], event, account=account)
    tell(tx, notice, [person.at_boarded_address()], now)


def on_password_changed(tx: Connection, event: Event, now: datetime) -> None:
    """Whoever did it, the owner hears of it."""
    person = repo.party(tx, event.data["party_id"])
    notice = Notice("password_changed", event.id, event, {"cause": event.data["cause"]})
    tell(tx, notice, [person], now)


def _mail(
    tx: Connection, event: Event, now: datetime, *, kind: str, page: str | None = None
) -> None:
    settings = db.settings(tx)
    try:
        secret = sealed.open_(settings.keys["seal_private"], event.data["sealed"], now)
    except sealed.Expired:
        log.info("a sealed notice came too late to be sent", event_id=event.id, kind=kind)
        return
    values: dict[str, Any] = {
        "username": secret.get("username"),
        "expires_at": event.data["expires_at"],
    }
    if page and secret.get("token"):
        values["url"] = f"{settings.public_base_url}{page}?token={quote(secret['token'])}"
    tell_address(
        tx,
        Notice(kind, event.id, event, values),
        secret["email"],
        now,
        expires_at=datetime.fromisoformat(event.data["expires_at"]),
    )


HANDLERS = {
    "auth.registration_requested.v1": on_registration_requested,
    "auth.password_reset_requested.v1": on_password_reset_requested,
    "auth.username_reminder_requested.v1": on_username_reminder_requested,
    "auth.user_registered.v1": on_user_registered,
    "auth.password_changed.v1": on_password_changed,
}
