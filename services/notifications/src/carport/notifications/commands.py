"""Use cases: tell a customer something once, mark a message read, change what is wanted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from carport.notifications import repo
from carport.notifications.domain import preferences
from carport.notifications.domain.catalogue import KINDS
from carport.notifications.domain.preferences import Choice, Preferences
from carport.notifications.templates import Rendered, render
from carport.shared import db, lender, sealed, telemetry
from carport.shared.errors import NotFound
from carport.shared.events import Event
from carport.shared.kernel.ids import new_id

EMAIL = "email"


@dataclass(frozen=True)
class Notice:
    """Something to tell. *key* is the business key: the same kind and key is told a party once,
    however often and by whichever event it is asked for. *values* fill the template."""

    kind: str
    key: str
    event: Event
    values: Mapping[str, Any] = field(default_factory=dict)
    account: repo.Account | None = None


def tell(tx: Connection, notice: Notice, people: Iterable[repo.Party], now: datetime) -> None:
    """A message in the inbox of each of *people*, and an e-mail where it is wanted."""
    for person in people:
        rendered = _render(tx, notice, person.language, first_name=person.first_name)
        if _insert_message(tx, notice, person.party_id, rendered, now):
            flags = notice.account.flags if notice.account else ()
            wanted = repo.preferences_of(tx, person.party_id).wants_email(notice.kind, flags=flags)
            if wanted and person.email:
                _queue(tx, notice, rendered, now, addressee=person.party_id, address=person.email)


def tell_address(
    tx: Connection,
    notice: Notice,
    address: str,
    now: datetime,
    *,
    expires_at: datetime,
) -> None:
    """An e-mail to an address that belongs to nobody we know yet; not sent after *expires_at*."""
    rendered = _render(tx, notice, None)
    _queue(
        tx,
        notice,
        rendered,
        now,
        addressee=notice.key,
        address=address,
        expires_at=expires_at,
    )


def _render(tx: Connection, notice: Notice, language: str | None, **more: Any) -> Rendered:
    kind = KINDS[notice.kind]
    settings = db.settings(tx)
    about = notice.account
    values = {
        "lender": lender.load(settings.lender_file),
        "why": kind.why,
        "required": kind.required,
        "home": settings.public_base_url,
        "account": about.title if about else None,
        "vehicle": about.vehicle if about else None,
        "at": notice.event.time,
    }
    return render(notice.kind, language, {**values, **more, **notice.values})


def _insert_message(
    tx: Connection, notice: Notice, party_id: str, rendered: Rendered, now: datetime
) -> bool:
    is_new = repo.insert_message(
        tx,
        id=new_id(now),
        key=notice.key,
        party_id=party_id,
        kind=notice.kind,
        account_id=notice.account.account_id if notice.account else None,
        event_type=notice.event.type,
        event_id=notice.event.id,
        subject=rendered.subject,
        body=rendered.body,
        created_at=now,
    )
    if is_new:
        db.wake(tx, "stream")
    return is_new


def _queue(
    tx: Connection,
    notice: Notice,
    rendered: Rendered,
    now: datetime,
    *,
    addressee: str,
    address: str,
    expires_at: datetime | None = None,
) -> None:
    delivery_id = new_id(now)
    content = {
        "to": address,
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
    }
    keys = sealed.AtRest(db.settings(tx).keys["at_rest"])
    repo.insert_delivery(
        tx,
        id=delivery_id,
        key=notice.key,
        addressee=addressee,
        channel=EMAIL,
        kind=notice.kind,
        event_type=notice.event.type,
        content=keys.encrypt(json.dumps(content), "deliveries", "content", delivery_id),
        state="queued",
        due_at=now,
        expires_at=expires_at,
        traceparent=telemetry.context().get("traceparent"),
        created_at=now,
    )
    db.wake(tx, "effects")


def read_message(tx: Connection, party_id: str, message_id: str) -> None:
    """Mark a message of the party as read. Raises NotFound."""
    if not repo.mark_read(tx, party_id, message_id):
        raise NotFound


def number_messages(tx: Connection, party_id: str) -> int:
    """Give the party's new messages the numbers a stream goes on by; the highest number there is.

    Numbers are given when messages are first looked at: given by the transaction that stores a
    message, a lower one could become visible after a higher one, and be missed for good.
    """
    return repo.number_messages(tx, party_id, repo.lock_inbox(tx, party_id))


def change_preferences(
    tx: Connection,
    locked: Preferences,
    *,
    party_id: str,
    choices: Sequence[Choice],
    days_ahead: Sequence[int],
    quiet_hours: tuple[str, str],
) -> Preferences:
    """Replace the party's choices; a kind that is not among *choices* gets its default.

    *locked* is what ``repo.lock_preferences`` answered. Raises RequiredNotice, ChannelUnavailable,
    UnknownNotice and UnknownDaysAhead.
    """
    chosen = replace(
        locked,
        email_off=preferences.email_off(choices),
        days_ahead=preferences.reminder_days(days_ahead),
        quiet_from=quiet_hours[0],
        quiet_to=quiet_hours[1],
        version=locked.version + 1,
    )
    repo.store_preferences(tx, party_id, chosen)
    return chosen
