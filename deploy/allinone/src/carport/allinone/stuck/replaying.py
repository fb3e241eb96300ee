"""Doing events again: parked ones get their attempts back, lost ones are sent once more.

Only columns of inbox and outbox are changed, so a role that may update those two tables is enough.
Handlers take effect once per event, so nothing happens twice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import islice

from carport.allinone import databases
from carport.allinone.databases import address, writing
from carport.allinone.verify import routes
from carport.shared import inbox
from carport.shared.checks import GRACE
from carport.shared.db import Runtime
from carport.shared.kernel.clock import utc_now
from carport.shared.outbox import outbox

BATCH = 500


def run(options: argparse.Namespace) -> int:
    """0 when something will be done again, or nothing was missing."""
    if options.missing:
        return send_again(options.to)
    return try_again(options)


def try_again(options: argparse.Namespace) -> int:
    """Give parked events their attempts back, in every inbox or that of one service."""
    found = 0
    with databases.opened(databases.for_writing()) as runtimes:
        for name, runtime in runtimes.items():
            if options.service in (None, name):
                done = unpark(runtime, options.id)
                found += len(done)
                for event_id in done:
                    print(f"{name}: {event_id} will be handled again (as {address(runtime)}).")
    if not found:
        print(f"{options.id or 'Nothing'} is parked{' in no inbox' if options.id else ''}.")
    return 0 if found or not options.id else 1


def unpark(runtime: Runtime, event_id: str | None) -> list[str]:
    """The ids of the events that were parked and are not any more: that one, or all."""
    with writing(runtime) as tx:
        parked = (row["event_id"] for row in inbox.unfinished(tx, state="parked"))
        ids = [event_id] if event_id else list(parked)
        return [each for each in ids if inbox.replay(tx, each, runtime.clock())]


def send_again(to: str) -> int:
    """Mark what *to* lacks as unsent in the outboxes of those who said it: their relays send it
    again, as everything else. A second run finds it unsent, or arrived, and changes nothing."""
    count = 0
    with databases.opened(databases.for_writing()) as writers, databases.reading() as tx:
        for producer in (one for one, other in routes.pairs() if other == to):
            lost = (row.event_id for row in routes.missing(tx, producer, to, utc_now() - GRACE))
            sent = sum(unsend(writers[producer], some) for some in batches(lost))
            count += sent
            if sent:
                role = address(writers[producer])
                print(f"{producer}: {sent} events will be sent again (as {role}).")
    if not count:
        print(f"Everything that was sent a minute ago or before is in the inbox of {to}.")
    return 0


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """*ids*, some at a time."""
    left = iter(ids)
    while some := list(islice(left, BATCH)):
        yield some


def unsend(runtime: Runtime, ids: list[str]) -> int:
    """How many of the events *ids* were marked sent and are not any more."""
    mine = outbox.update().where(outbox.c.event_id.in_(ids), outbox.c.sent_at.is_not(None))
    with writing(runtime) as tx:
        return tx.execute(mine.values(sent_at=None)).rowcount
