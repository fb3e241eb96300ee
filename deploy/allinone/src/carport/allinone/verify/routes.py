"""Whether every event reached everybody it is for, and nobody handled one that was never said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from carport.accounts.tables import contract
from carport.allinone.databases import Snapshot
from carport.allinone.suite import SERVICES
from carport.lease.tables import snapshots
from carport.notifications.tables import accounts as notified
from carport.payments.tables import accounts as payable
from carport.shared import events
from carport.shared.checks import Check, bytewise, member, paired, stream
from carport.shared.inbox import OPEN, UNFINISHED, inbox
from carport.shared.outbox import outbox

CHANGED = "accounts.account_changed.v1"
BUSY_MAX = 100_000
VERSIONS = {
    "payments": (payable.c.id, payable.c.version),
    "notifications": (notified.c.account_id, notified.c.version),
    "lease": (snapshots.c.account_id, snapshots.c.version),
}
Sides = Iterator[tuple[Any, Any]]


def pairs() -> list[tuple[str, str]]:
    """Who says something to whom."""
    names = [service.name for service in SERVICES]
    return [(one, other) for one in names for other in names if types_of(one, other)]


def types_of(producer: str, consumer: str) -> list[str]:
    """The types of *producer* that *consumer* is to get."""
    types = (type_ for type_ in events.contracts() if type_.startswith(f"{producer}."))
    return [type_ for type_ in types if consumer in events.contract(type_)["consumers"]]


def both(tx: Snapshot, producer: str, consumer: str) -> Sides:
    """Events of *producer* for *consumer*, as they were said and as they were received, by id."""
    ours, theirs = tx[producer], tx[consumer]
    said = sa.select(outbox.c.event_id, outbox.c.type, outbox.c.sent_at).where(
        outbox.c.type.in_(types_of(producer, consumer))
    )
    received = sa.select(inbox.c.event_id, inbox.c.type, inbox.c.received_at).where(
        inbox.c.source == producer
    )
    return paired(
        stream(ours, said.order_by(bytewise(ours, outbox.c.event_id))),
        stream(theirs, received.order_by(bytewise(theirs, inbox.c.event_id))),
    )


def missing(tx: Snapshot, producer: str, consumer: str, before: datetime) -> Iterator[Any]:
    """Events that were sent and are not in the inbox of *consumer*."""
    for said, received in both(tx, producer, consumer):
        if said and not received and said.sent_at and said.sent_at < before:
            yield said


def lost(tx: Snapshot, before: datetime, *, producer: str, consumer: str) -> Iterator[str]:
    """The same in words."""
    for row in missing(tx, producer, consumer, before):
        yield f"event {row.event_id} ({row.type}) was sent and is not in the inbox of {consumer}"


def invented(tx: Snapshot, before: datetime, *, producer: str, consumer: str) -> Iterator[str]:
    """Events that were received and never said, as far back as the outbox goes."""
    since = tx[producer].execute(sa.select(sa.func.min(outbox.c.created_at))).scalar()
    for said, row in both(tx, producer, consumer):
        if row and not said and since and since <= row.received_at < before:
            yield f"{consumer} has event {row.event_id} ({row.type}), which {producer} never said"


def unlike_versions(tx: Snapshot, before: datetime, *, consumer: str) -> Iterator[str]:
    """Accounts of which *consumer* keeps an older snapshot than was said, or one of the future."""
    waiting = busy(tx[consumer], *UNFINISHED, "parked")
    account, version = VERSIONS[consumer]
    kept = sa.select(account, version).order_by(bytewise(tx[consumer], account))
    for one, own in paired(said_versions(tx["accounts"], before), stream(tx[consumer], kept)):
        if one is None:
            yield f"{consumer} knows the account {own[0]}, which accounts does not"
            continue
        has = own[1] if own else 0
        is_wanted = own is not None or consumer != "lease" or one.product == "lease"
        if is_wanted and has < one.said and one.id not in waiting:
            yield f"{consumer} has version {has} of {one.id}, version {one.said} was said"
        if has > one.version:
            yield f"{consumer} has version {has} of {one.id}, accounts is at {one.version}"


def said_versions(tx: sa.Connection, before: datetime) -> Iterator[Any]:
    """Every contract with its version and the highest one said *before*."""
    version = sa.func.max(sa.cast(member(tx, outbox.c.body, "data", "version"), sa.Integer))
    said = (
        sa.select(outbox.c.subject, version.label("version"))
        .where(outbox.c.type == CHANGED, outbox.c.created_at < before)
        .group_by(outbox.c.subject)
        .subquery()
    )
    highest = sa.func.coalesce(said.c.version, 0).label("said")
    query = sa.select(contract.c.id, contract.c.product, contract.c.version, highest)
    joined = query.outerjoin(said, said.c.subject == contract.c.id)
    return stream(tx, joined.order_by(bytewise(tx, contract.c.id)))


def busy(tx: sa.Connection, *states: str) -> frozenset[str]:
    """Subjects of events in the inbox that are in one of *states*: what follows from them is still
    to come. Raises ValueError when there are too many to be told apart."""
    subjects = sa.select(inbox.c.subject).where(OPEN, inbox.c.state.in_(states))
    found = frozenset(tx.execute(subjects.distinct().limit(BUSY_MAX + 1)).scalars())
    if len(found) > BUSY_MAX:
        raise ValueError(f"more than {BUSY_MAX} accounts have events under way; try again later")
    return found


def checks() -> Iterator[tuple[str, Check]]:
    """The checks between two databases, each with their names."""
    for producer, consumer in pairs():
        ends: dict[str, Any] = {"producer": producer, "consumer": consumer}
        yield f"{producer} → {consumer}", Check(
            "I-26", "Every event that was sent is in the inbox of everybody it is for.", "While "
            "the consumer's worker is behind it is in its queue. If that is empty, it was lost: "
            "`carport events replay --to SERVICE --missing`.", partial(lost, **ends))  # fmt: skip
        yield f"{producer} → {consumer}", Check(
            "I-25", "Nobody has an event that was not said.", "Somebody else may publish on the "
            "broker, or removed the event: find out who, and restore the outbox.",
            partial(invented, **ends))  # fmt: skip
    for consumer in VERSIONS:
        yield f"accounts → {consumer}", Check(
            "I-28", "Everybody keeps the highest snapshot of each account that was said.",
            "`carport events replay --to SERVICE --missing`; the next change of the account mends "
            "it too.", partial(unlike_versions, consumer=consumer))  # fmt: skip
