"""Whether payments, the ledger, the notices and the list of lease tell the same of every cent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from carport.accounts.tables import anchor, contract, day_close, item, journal
from carport.allinone.databases import Snapshot
from carport.allinone.verify.routes import busy
from carport.lease.tables import payments as leased
from carport.notifications.tables import messages
from carport.payments.domain.states import State
from carport.payments.queries.verify import posted_list
from carport.payments.tables import days_done, ledger_anchors, payment_steps, payments
from carport.shared.checks import Check, bytewise, paired, stream
from carport.shared.inbox import UNFINISHED

PREFIX = "payment:"
KINDS = {
    State.POSTED: "payment_posted",
    State.FAILED: "payment_failed",
    State.CANCELLED: "payment_cancelled",
    State.RETURNED: "payment_returned",
}


class Receipt(NamedTuple):
    """A payment as the ledger has it; *changed_at* is when it was posted or reversed."""

    payment_id: str
    account_id: str
    amount: int
    is_reversed: bool
    changed_at: datetime


def receipts(tx: sa.Connection) -> Iterator[Receipt]:
    """Every receipt in the ledger, by payment."""
    undone = journal.alias("undone")
    query = (
        sa.select(journal.c.reference, journal.c.contract_id, journal.c.amount,
                  journal.c.posted_at, undone.c.posted_at.label("undone_at"))
        .outerjoin(undone, undone.c.reverses_id == journal.c.id)
        .where(journal.c.kind == "payment")
        .order_by(bytewise(tx, journal.c.reference))
    )  # fmt: skip
    for row in stream(tx, query):
        payment_id, is_reversed = row.reference.removeprefix(PREFIX), row.undone_at is not None
        at = row.undone_at or row.posted_at
        yield Receipt(payment_id, row.contract_id, row.amount, is_reversed, at)


def unlike_receipts(tx: Snapshot, before: datetime) -> Iterator[str]:
    """Payments of payments' list that the ledger has not, or otherwise, and the other way round: so
    a ledger whose chain was rebuilt is found too."""
    waiting = busy(tx["accounts"], *UNFINISHED)
    for wanted, booked in paired(posted_list(tx["payments"]), receipts(tx["accounts"])):
        if is_young(wanted, before) or is_young(booked, before):
            continue
        if wanted and wanted.account_id in waiting:
            continue
        if wanted is None or booked is None or wanted[:4] != booked[:4]:
            yield f"payments' list has {words(wanted)}, the ledger has {words(booked)}"


def words(row: Any) -> str:
    """A payment, or that there is none."""
    if row is None:
        return "nothing of it"
    end = ", taken back" if row.is_reversed else ""
    return f"payment {row.payment_id} of {row.amount} cents on {row.account_id}{end}"


def is_young(row: Any, before: datetime) -> bool:
    """Whether something happened to it so lately that the other side may not have heard of it."""
    return row is not None and row.changed_at is not None and row.changed_at >= before


def unlike_anchors(tx: Snapshot, before: datetime) -> Iterator[str]:
    """Closed days of which payments keeps another anchor than accounts has, or none: so a ledger
    rebuilt with its own anchors is found too."""
    kept = stream(tx["payments"], sa.select(ledger_anchors).order_by(ledger_anchors.c.date))
    query = sa.select(anchor.c.date, anchor.c.sha256, day_close.c.closed_at).outerjoin(
        day_close, day_close.c.date == anchor.c.date
    )
    own = stream(tx["accounts"], query.order_by(anchor.c.date))
    for theirs, ours in paired(kept, own, key=lambda row: row.date):
        if ours and ours.closed_at and ours.closed_at >= before and not theirs:
            continue
        if not ours or not theirs or ours.sha256 != theirs.sha256:
            yield f"the anchor of {(ours or theirs).date} is not the one that payments keeps"


def unlike_days(tx: Snapshot, before: datetime) -> Iterator[str]:
    """Closed days whose numbers and sums accounts did not get as payments announced them."""
    said = stream(tx["payments"], sa.select(days_done).order_by(days_done.c.date))
    query = sa.select(day_close.c.date, day_close.c.payments_done).where(
        day_close.c.closed_at < before
    )
    got = stream(tx["accounts"], query.order_by(day_close.c.date))
    for theirs, ours in paired(said, got, key=lambda row: row.date):
        announced = {"events": theirs.events, "totals": theirs.totals} if theirs else None
        if ours and ours.payments_done != announced:
            done = ours.payments_done
            yield f"day {ours.date} was announced as {announced}, accounts closed it with {done}"


def untold(tx: Snapshot, before: datetime) -> Iterator[str]:
    """Payments whose payer has no message about what became of them."""
    waiting = busy(tx["notifications"], *UNFINISHED)
    for row, told in paired(finished(tx["payments"]), notices(tx["notifications"])):
        if row is None or is_young(row, before) or row.account_id in waiting:
            continue
        if row.kind not in (told[1] if told else ()):
            yield f"payment {row.id} has no message {row.kind}"


class Finished(NamedTuple):
    """A payment of whose end somebody is told by a message of *kind*."""

    id: str
    account_id: str
    kind: str
    changed_at: datetime | None


def finished(tx: sa.Connection) -> Iterator[Finished]:
    """By id. What was cancelled and then refused by the ledger is told as a failure."""
    is_last = sa.and_(
        payment_steps.c.payment_id == payments.c.id, payment_steps.c.seq == payments.c.seq
    )
    query = (
        sa.select(payments.c.id, payments.c.account_id, payments.c.state, payments.c.accepted_on,
                  payments.c.reason_code, payment_steps.c.at)
        .outerjoin(payment_steps, is_last)
        .where(payments.c.state.in_(list(KINDS)))
        .order_by(bytewise(tx, payments.c.id))
    )  # fmt: skip
    for row in stream(tx, query):
        is_refused = row.state == State.CANCELLED and row.accepted_on and row.reason_code
        kind = KINDS[State.FAILED if is_refused else State(row.state)]
        yield Finished(row.id, row.account_id, kind, row.at)


def notices(tx: sa.Connection) -> Iterator[tuple[str, set[str]]]:
    """The kinds of messages about each payment, by payment."""
    key, kind = messages.c.key, messages.c.kind
    query = sa.select(key, kind).where(kind.in_(sorted(KINDS.values())))
    rows = stream(tx, query.group_by(key, kind).order_by(bytewise(tx, key)))
    for payment_id, group in groupby(rows, key=itemgetter(0)):
        yield payment_id, {row[1] for row in group}


def unlike_leased(tx: Snapshot, before: datetime) -> Iterator[str]:
    """Payments of leases that lease shows otherwise than they are booked."""
    waiting, shown = busy(tx["lease"], *UNFINISHED), leased.c.payment_id
    query = (
        sa.select(item.c.id, item.c.contract_id, item.c.amount, item.c.recorded_at,
                  item.c.reversed_at)
        .join(contract, contract.c.id == item.c.contract_id)
        .where(contract.c.product == "lease", item.c.kind == "payment")
        .order_by(bytewise(tx["accounts"], item.c.id))
    )  # fmt: skip
    theirs = sa.select(leased).order_by(bytewise(tx["lease"], shown))
    for ours, kept in paired(stream(tx["accounts"], query), stream(tx["lease"], theirs)):
        if ours is None:
            yield f"lease shows payment {kept.payment_id}, which is not booked"
        elif (ours.reversed_at or ours.recorded_at) < before and ours.contract_id not in waiting:
            booked = (ours.amount, ours.reversed_at is not None)
            if kept is None or (kept.amount, bool(kept.is_reversed)) != booked:
                yield f"lease does not show payment {ours.id} as it is booked"


BETWEEN = "payments ↔ accounts"
MISSED = (
    "`carport events list` shows what is not done; else `carport events replay --to {} --missing`."
)
REBUILT = (
    "One of the two databases was written to. Keep both for evidence; the events in the outboxes "
    "say what was said at the time."
)


def checks() -> Iterator[tuple[str, Check]]:
    """The checks between two databases, each with their names."""
    yield BETWEEN, Check(
        "I-10", "Every payment that was accepted and not refused has one receipt in the ledger, of "
        "its cents, on its account, reversed exactly when it was cancelled or returned; there are "
        "no other receipts.", f"{MISSED.format('accounts')} A receipt payments does not know: "
        "somebody rebuilt the ledger.", unlike_receipts)  # fmt: skip
    yield BETWEEN, Check("I-07", "Every anchor of the ledger is the one payments was told on the "
                         "day.", REBUILT, unlike_anchors)  # fmt: skip
    yield BETWEEN, Check("I-26", "Accounts closed each day with what payments announced of it.",
                         REBUILT, unlike_days)  # fmt: skip
    yield "payments ↔ notifications", Check(
        "I-10", "Every payment that was posted, failed, cancelled or returned has its message.",
        MISSED.format("notifications"), untold)  # fmt: skip
    yield "accounts ↔ lease", Check(
        "I-26", "Lease shows the payments of leases as they are booked.", MISSED.format("lease"),
        unlike_leased)  # fmt: skip
