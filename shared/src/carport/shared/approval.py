"""Maker-checker: one person asks with a reason, another decides before it expires.

Every service stores its own approvals; what an approval allows is done by the service's command
in the transaction of the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.shared.db import SPINE, Json, Text, UtcDateTime, table
from carport.shared.errors import Conflict, Forbidden, Gone, NotFound
from carport.shared.kernel.ids import new_id

LISTED_MAX = 200

approval = table(
    "approval",
    SPINE,
    sa.Column("id", Text, primary_key=True),
    sa.Column("action", Text, nullable=False),
    sa.Column("subject", Text, nullable=False, index=True),
    sa.Column("payload", Json, nullable=False),
    sa.Column("maker", Text, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("state", Text, nullable=False, server_default="open"),
    sa.Column("checker", Text),
    sa.Column("note", Text),
    sa.Column("decided_at", UtcDateTime),
    sa.CheckConstraint("state IN ('open', 'approved', 'refused')", name="state"),
    sa.CheckConstraint("checker IS NULL OR checker <> maker", name="two_people"),
)


@dataclass(frozen=True)
class Approval:
    """Who wants what done to which thing, why, and what came of it."""

    id: str
    action: str
    subject: str
    payload: dict[str, Any]
    maker: str
    reason: str
    created_at: datetime
    expires_at: datetime
    state: str = "open"
    checker: str | None = None
    note: str | None = None
    decided_at: datetime | None = None


def ask(tx: sa.Connection, *, now: datetime, **wanted: Any) -> Approval:
    """Store a request for approval: ``action, subject, payload, maker, reason, expires_at``."""
    asked = Approval(id=new_id(now), created_at=now, **wanted)
    tx.execute(approval.insert().values(vars(asked)))
    return asked


def decide(
    tx: sa.Connection, approval_id: str, *, checker: str, approve: bool, note: str, now: datetime
) -> Approval:
    """Approve or refuse. Raises NotFound, Forbidden for the maker, Conflict when decided, Gone."""
    query = sa.select(approval).where(approval.c.id == approval_id).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        raise NotFound
    if row["state"] != "open":
        raise Conflict("already_decided", f"This request has already been {row['state']}.")
    if row["maker"] == checker:
        raise Forbidden("Somebody other than the person who asked has to decide.")
    if row["expires_at"] <= now:
        raise Gone("approval_expired", "This request has expired; ask again.")
    state = "approved" if approve else "refused"
    decision = {"state": state, "checker": checker, "note": note, "decided_at": now}
    tx.execute(approval.update().where(approval.c.id == approval_id).values(decision))
    return Approval(**{**row, **decision})


def waiting(tx: sa.Connection, now: datetime) -> Sequence[Approval]:
    """Open requests that have not expired, oldest first, at most 200."""
    query = sa.select(approval).where(approval.c.state == "open", approval.c.expires_at > now)
    rows = tx.execute(query.order_by(approval.c.created_at).limit(LISTED_MAX)).mappings()
    return [Approval(**row) for row in rows]
