"""The invariants that can be checked from the databases alone, over all services.

Each service checks what it owns; here stands what needs more than one database: that every event
reached every consumer once, that accounts' receipts are payments' accepted payments, and that the
ledger has the anchors payments keeps of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from carport.accounts.tables import anchor, journal
from carport.payments.queries.verify import posted_list
from carport.payments.tables import ledger_anchors
from carport.shared import events, inbox, outbox
from carport.shared.db import Runtime

UNSENT_S_MAX = 60
NAMED_MAX = 5


def findings(runtimes: Mapping[str, Runtime]) -> list[str]:
    """What does not hold, one sentence each; empty when all is well."""
    found = [f"{name}: {line}" for name, runtime in runtimes.items() for line in own(runtime)]
    for name, runtime in runtimes.items():
        found += [f"{name}: {line}" for line in [*unsent(runtime), *parked(runtime)]]
        found += missing(name, runtimes)
    both = runtimes["accounts"], runtimes["payments"]
    return [*found, *unlike_receipts(*both), *unlike_anchors(*both)]


def own(runtime: Runtime) -> list[str]:
    """What the service itself finds."""
    if runtime.service.verify is None:
        return []
    with runtime.reading() as tx:
        return runtime.service.verify(tx)


def unsent(runtime: Runtime) -> list[str]:
    """Events that have waited for the relay longer than a minute."""
    with runtime.reading() as tx:
        oldest = outbox.oldest_unsent(tx)
    if oldest is None or runtime.clock() - oldest < timedelta(seconds=UNSENT_S_MAX):
        return []
    return [f"events have been waiting to be sent since {oldest.isoformat()}"]


def parked(runtime: Runtime) -> list[str]:
    """Events that were given up on; `carport events replay` tries one again."""
    with runtime.reading() as tx:
        rows = inbox.unfinished(tx, state="parked")
    return [f"event {row['event_id']} ({row['type']}) is parked: {row['error']}" for row in rows]


def missing(producer: str, runtimes: Mapping[str, Runtime]) -> list[str]:
    """Events marked sent that are not in the inbox of a consumer their contract names."""
    query = sa.select(outbox.outbox.c.event_id, outbox.outbox.c.type)
    with runtimes[producer].reading() as tx:
        sent = tx.execute(query.where(outbox.outbox.c.sent_at.is_not(None))).all()
    wanted: dict[str, set[str]] = {}
    for row in sent:
        for consumer in events.contract(row.type)["consumers"]:
            wanted.setdefault(consumer, set()).add(row.event_id)
    return [
        f"{producer}: {len(lost)} events never reached {consumer}: {named(lost)}"
        for consumer, ids in wanted.items()
        if (lost := ids - received(runtimes[consumer]))
    ]


def received(runtime: Runtime) -> set[str]:
    """The ids of every event in the inbox."""
    with runtime.reading() as tx:
        return set(tx.execute(sa.select(inbox.inbox.c.event_id)).scalars())


def unlike_receipts(accounts: Runtime, payments: Runtime) -> list[str]:
    """Receipts that are not on payments' own list with that amount and standing, and the other
    way round: so a ledger whose chain was rebuilt is found too."""
    with payments.reading() as tx:
        wanted = {(row["payment_id"], row["amount"], row["is_reversed"])
                  for row in posted_list(tx)}  # fmt: skip
    booked = receipts(accounts)
    lost = {f"{payment} ({amount})" for payment, amount, _ in wanted - booked}
    extra = {f"{payment} ({amount})" for payment, amount, _ in booked - wanted}
    found = [f"accounts: payments' list has what no receipt has: {named(lost)}"] if lost else []
    more = [f"accounts: receipts that payments' list has not: {named(extra)}"] if extra else []
    return found + more


def receipts(accounts: Runtime) -> set[tuple[str, int, bool]]:
    """Payment, cents and whether it was reversed, of every receipt in the ledger."""
    reversal = journal.alias()
    query = (
        sa.select(journal.c.reference, journal.c.amount, reversal.c.id)
        .outerjoin(reversal, reversal.c.reverses_id == journal.c.id)
        .where(journal.c.kind == "payment")
    )
    with accounts.reading() as tx:
        return {
            (reference.removeprefix("payment:"), amount, reversed_by is not None)
            for reference, amount, reversed_by in tx.execute(query)
        }


def unlike_anchors(accounts: Runtime, payments: Runtime) -> list[str]:
    """Closed days of which payments keeps another anchor than accounts has, or none: so a ledger
    rebuilt with its own anchors is found too. The newest may still be on its way."""
    with payments.reading() as tx:
        query = sa.select(ledger_anchors.c.date, ledger_anchors.c.sha256)
        kept = {row.date: row.sha256 for row in tx.execute(query)}
    with accounts.reading() as tx:
        query = sa.select(anchor.c.date, anchor.c.sha256)
        own = {row.date: row.sha256 for row in tx.execute(query)}
    days = kept.keys() | sorted(own)[:-1]
    wrong = {day.isoformat() for day in days if kept.get(day) != own.get(day)}
    if not wrong:
        return []
    return [f"accounts: the ledger's anchors are not those that payments keeps: {named(wrong)}"]


def named(ids: set[str]) -> str:
    """A few of *ids*, and how many more there are."""
    shown = sorted(ids)[:NAMED_MAX]
    rest = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
