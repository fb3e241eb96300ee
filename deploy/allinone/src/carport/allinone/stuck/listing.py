"""Events that are not done, in one line each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any

import sqlalchemy as sa

from carport.allinone import databases
from carport.allinone.options import STATES
from carport.allinone.suite import SERVICES
from carport.shared.checks import stream
from carport.shared.inbox import OPEN, inbox
from carport.shared.outbox import outbox

NAMES = [service.name for service in SERVICES]
IN_INBOX = {"parked": "parked", "retrying": "retry", "waiting": "waiting"}
OUTBOX = (outbox.c.event_id, outbox.c.type, outbox.c.subject, outbox.c.attempts,
          outbox.c.created_at.label("since"))  # fmt: skip
INBOX = (inbox.c.event_id, inbox.c.type, inbox.c.subject, inbox.c.attempts,
         inbox.c.received_at.label("since"), inbox.c.next_attempt_at, inbox.c.error)  # fmt: skip
Row = dict[str, Any]


def run(options: argparse.Namespace) -> int:
    """Print them; none is good too."""
    wanted = [state for state in STATES if getattr(options, state)] or list(STATES)
    with databases.reading() as tx:
        rows = (row for name in NAMES if options.service in (None, name)
                for row in unfinished(tx[name], name, wanted))  # fmt: skip
        if options.json:
            print(json.dumps(list(rows), indent=2, default=str))
            return 0
        first = next(rows, None)
        for row in () if first is None else chain([first], rows):
            print(line(row))
    if first is None:
        print("Nothing is waiting, being retried, parked or to be sent.")
    return 0


def unfinished(tx: sa.Connection, unit: str, states: Collection[str]) -> Iterator[Row]:
    """Every such event of one service, oldest first."""
    if "unsent" in states:
        query = sa.select(*OUTBOX).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.seq)
        for row in stream(tx, query):
            yield {"unit": unit, "state": "unsent", **row._asdict()}
    for state in IN_INBOX.keys() & set(states):
        query = sa.select(*INBOX).where(OPEN, inbox.c.state == IN_INBOX[state])
        for row in stream(tx, query.order_by(inbox.c.received_at)):
            yield {"unit": unit, "state": state, **row._asdict()}


def line(row: Row) -> str:
    """One event."""
    why = row.get("error") or f"since {row['since'].isoformat(timespec='seconds')}"
    return (
        f"{row['unit']:<14}{row['state']:<9}{row['attempts']}×  {row['event_id']}  "
        f"{row['type']}: {why}"
    )
