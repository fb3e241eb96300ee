"""Whether what happened to contracts was said, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from carport.accounts.tables import contract, day_close, derived, item, work_item
from carport.shared import said
from carport.shared.checks import Check, member, stream
from carport.shared.outbox import outbox
from carport.shared.said import Fact, kept

CHANGED = "accounts.account_changed.v1"
ASSESSED = "accounts.late_fee_assessed.v1"
REMOVED = "accounts.late_fee_removed.v1"


def facts(tx: sa.Connection) -> Iterator[Fact]:
    """What is said once each."""
    subject, payment = sa.cast(outbox.c.subject, sa.Text), said.of_data(tx, "payment_id")
    day, is_payment = sa.cast(day_close.c.date, sa.Text), item.c.kind == "payment"
    refused, real = work_item.c.kind == "payment_rejected", sa.true()
    is_reversed = sa.and_(is_payment, item.c.reversed_at.is_not(None))
    for name, own, told, where, at in (
        ("account_boarded", contract.c.id, subject, real, contract.c.boarded_at),
        ("payment_posted", item.c.id, payment, is_payment, item.c.recorded_at),
        ("payment_reversed", item.c.id, payment, is_reversed, item.c.reversed_at),
        ("payment_rejected", work_item.c.subject, payment, refused, work_item.c.created_at),
        ("day_ending", day, subject, real, day_close.c.started_at),
        ("ledger_anchored", day, subject, day_close.c.step == "done", day_close.c.closed_at),
    ):
        yield Fact(f"accounts.{name}.v1", own, told, where, kept(at))


def unlike_versions(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Contracts of which the highest snapshot said is not the present version."""
    version = sa.func.max(sa.cast(member(tx, outbox.c.body, "data", "version"), sa.Integer))
    last = (
        sa.select(outbox.c.subject, version.label("version"))
        .where(outbox.c.type == CHANGED)
        .group_by(outbox.c.subject)
        .subquery()
    )
    query = sa.select(contract.c.id, contract.c.version, last.c.version.label("said")).outerjoin(
        last, last.c.subject == contract.c.id
    )
    is_unsaid = sa.and_(last.c.version.is_(None), kept(contract.c.boarded_at))
    for row in stream(tx, query.where(sa.or_(is_unsaid, last.c.version != contract.c.version))):
        yield f"contract {row.id} is at version {row.version}, the last snapshot at {row.said}"


def unlike_late_fees(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Late fees that stand and were not said, or the other way round."""
    number = said.of_data(tx, "number")
    key = "late_fee:" + sa.cast(outbox.c.subject, sa.Text) + ":" + number
    times = sa.func.sum(sa.case((outbox.c.type == ASSESSED, 1), else_=-1))
    told = (
        sa.select(key)
        .join(contract, contract.c.id == outbox.c.subject)
        .where(outbox.c.type.in_((ASSESSED, REMOVED)), kept(contract.c.boarded_at))
        .group_by(key)
        .having(times != 0)
    )
    stands = (
        sa.select(derived.c.key)
        .join(contract, contract.c.id == derived.c.contract_id)
        .where(derived.c.key.startswith("late_fee:"), derived.c.is_reversed.is_(sa.false()))
        .where(kept(contract.c.boarded_at))
    )
    for row in stream(tx, stands.except_(told)):
        yield f"{row[0]} stands, and its last event says it does not"
    for row in stream(tx, told.except_(stands)):
        yield f"{row[0]} does not stand, and its last event says it does"


CHECKS = (
    said.unsaid(facts),
    said.untrue(facts),
    Check("I-25", "The highest snapshot said of a contract is its present version.", said.REMEDY,
          unlike_versions),
    Check("I-25", "Late fees that stand are those that were said and not taken back.", said.REMEDY,
          unlike_late_fees),
)  # fmt: skip
