"""Answers: the customer's messages and preferences, and the sandbox's mailbox."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from carport.notifications.domain.catalogue import CHOOSABLE, KINDS
from carport.notifications.domain.preferences import Preferences
from carport.notifications.tables import mailbox, messages
from carport.shared import pagination
from carport.shared.errors import NotFound

MAILBOX_MAX = 100
MAILBOX_DEFAULT = 20


def messages_page(
    tx: sa.Connection, party_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """The party's messages, newest first."""
    query = sa.select(messages).where(messages.c.party_id == party_id)
    page = pagination.page(
        tx, query, keys=[messages.c.id], limit=limit, cursor=cursor, scope=f"messages:{party_id}"
    )
    return {**page, "data": [_message(row) for row in page["data"]]}


def has_unnumbered(tx: sa.Connection, party_id: str) -> bool:
    """Whether the party has messages that no stream has seen."""
    new = sa.and_(messages.c.party_id == party_id, messages.c.seq.is_(None))
    return tx.execute(sa.select(messages.c.id).where(new).limit(1)).first() is not None


def messages_after(
    tx: sa.Connection, party_id: str, number: int, *, limit: int
) -> list[tuple[int, dict[str, Any]]]:
    """The party's messages with a higher *number*, oldest first, each with its own."""
    later = sa.and_(messages.c.party_id == party_id, messages.c.seq > number)
    query = sa.select(messages).where(later).order_by(messages.c.seq).limit(limit)
    return [(row["seq"], _message(row)) for row in tx.execute(query).mappings()]


def message(tx: sa.Connection, party_id: str, message_id: str) -> dict[str, Any]:
    """One message of the party. Raises NotFound, also for somebody else's."""
    mine = sa.and_(messages.c.id == message_id, messages.c.party_id == party_id)
    row = tx.execute(sa.select(messages).where(mine)).mappings().first()
    if row is None:
        raise NotFound
    return _message(row)


def unread_count(tx: sa.Connection, party_id: str) -> int:
    """How many messages the party has not read."""
    query = sa.select(sa.func.count()).select_from(messages)
    unread = messages.c.is_read.is_(sa.false())
    return tx.execute(query.where(messages.c.party_id == party_id, unread)).scalar_one()


def preferences_view(chosen: Preferences) -> dict[str, Any]:
    """Every kind of notice with the channels it takes."""
    return {
        "events": [
            {
                "event": kind.name,
                "title": kind.title,
                "required": kind.required,
                "channels": {"email": chosen.wants_email(kind.name), "text": False, "inbox": True},
            }
            for kind in CHOOSABLE
        ],
        "days_ahead": list(chosen.days_ahead),
        "quiet_hours": {"from": chosen.quiet_from, "to": chosen.quiet_to},
    }


def mailbox_page(tx: sa.Connection, *, to: str | None, limit: int) -> list[dict[str, Any]]:
    """What was sent, newest first; with *to*, to that address only, in any case."""
    query = sa.select(mailbox).order_by(mailbox.c.sent_at.desc(), mailbox.c.id.desc()).limit(limit)
    if to is not None:
        query = query.where(sa.func.lower(mailbox.c.recipient) == to.lower())
    return [_mail(row) for row in tx.execute(query).mappings()]


def _message(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "subject": row["subject"],
        "body": row["body"],
        "account_id": row["account_id"],
        "read": bool(row["is_read"]),
        "created_at": row["created_at"],
        "why": {
            "event_type": row["event_type"],
            "event_id": row["event_id"],
            "text": f"You receive this because {KINDS[row['kind']].why}.",
        },
    }


def _mail(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "channel": row["channel"],
        "to": row["recipient"],
        "subject": row["subject"],
        "text": row["text"],
        "html": row["html"],
        "links": row["links"],
        "event_type": row["event_type"],
        "sent_at": row["sent_at"],
    }
