"""Sending: claim due deliveries, call the channel outside any transaction, record, fenced.

A delivery that is refused, or never answered, ends as ``failed_permanent`` with the reason; the
others go on. A call without an answer is asked again when its claim runs out. Content is encrypted
until it is sent and forgotten afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from carport.notifications import repo
from carport.notifications.channels import Mail, Outcome, sandbox
from carport.shared import db, lender, sealed, telemetry
from carport.shared.kernel.ids import new_id
from carport.shared.service import Effect

BATCH = 50
CLAIM_S = 60
"""Seconds a worker has for a delivery the first time; each time it is tried again, so many more."""
ATTEMPTS_MAX = 5
log = telemetry.logger("carport.notifications.effects")


@dataclass(frozen=True)
class Claimed:
    """A delivery this worker may send until its claim runs out."""

    delivery_id: str
    token: str
    event_type: str
    traceparent: str | None
    sealed_content: str = field(repr=False)
    keys: sealed.AtRest = field(repr=False)
    sender_name: str
    sender: str

    def mail(self) -> Mail:
        """The mail in clear; never logged, never stored."""
        text = self.keys.decrypt(self.sealed_content, "deliveries", "content", self.delivery_id)
        content = json.loads(text)
        return Mail(
            id=self.delivery_id, sender_name=self.sender_name, sender=self.sender, **content
        )


def claim(tx: Connection, now: datetime) -> Sequence[Claimed]:
    """Lease what is due. Expired secrets and what was tried too often end here, unsent.

    Outside the sandbox there is no channel yet, and mail stays queued.
    """
    if not db.settings(tx).is_sandbox:
        return ()
    rows = repo.due_deliveries(tx, now, BATCH)
    return [_claim(tx, row, now) for row in rows if _may_be_sent(tx, row, now)]


def _may_be_sent(tx: Connection, row: Row[Any], now: datetime) -> bool:
    if row.expires_at is not None and row.expires_at <= now:
        _finish(tx, row.id, now, state="expired", content=None)
        return False
    if row.attempts >= ATTEMPTS_MAX:
        _finish(tx, row.id, now, state="failed_permanent", error=row.error or "never answered")
        return False
    return True


def _claim(tx: Connection, row: Row[Any], now: datetime) -> Claimed:
    token = new_id(now)
    repo.change_delivery(
        tx,
        row.id,
        state="sending",
        attempts=row.attempts + 1,
        claim_token=token,
        due_at=now + timedelta(seconds=CLAIM_S * (row.attempts + 1)),
    )
    settings = db.settings(tx)
    profile = lender.load(settings.lender_file)
    return Claimed(
        delivery_id=row.id,
        token=token,
        event_type=row.event_type,
        traceparent=row.traceparent,
        sealed_content=row.content,
        keys=sealed.AtRest(settings.keys["at_rest"]),
        sender_name=profile.name,
        sender=profile.email,
    )


def call(claimed: Claimed) -> Outcome:
    """Hand the mail to its channel. Raises what keeps the channel from answering."""
    return sandbox.send(claimed.mail())


def record(tx: Connection, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    """Store what the channel answered, unless another worker has taken the delivery over."""
    finished = (
        {"state": "sent", "content": None}
        if outcome.sent
        else {"state": "failed_permanent", "error": outcome.error}
    )
    is_mine = _finish(tx, claimed.delivery_id, now, token=claimed.token, **finished)
    if is_mine and outcome.sent:
        _put_in_mailbox(tx, claimed, now)
    log.info(
        "delivery tried", delivery_id=claimed.delivery_id, sent=outcome.sent, error=outcome.error
    )


def _put_in_mailbox(tx: Connection, claimed: Claimed, now: datetime) -> None:
    mail = claimed.mail()
    repo.insert_in_mailbox(
        tx,
        id=mail.id,
        channel="email",
        recipient=mail.to,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        links=sandbox.links(mail.text),
        event_type=claimed.event_type,
        sent_at=now,
    )


def _finish(
    tx: Connection, delivery_id: str, now: datetime, *, token: str | None = None, **values: Any
) -> bool:
    return repo.change_delivery(tx, delivery_id, token=token, finished_at=now, **values)


EFFECTS = {"mail": Effect(claim=claim, call=call, record=record)}
