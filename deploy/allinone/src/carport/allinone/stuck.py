"""Events that are not done, as an operator sees and mends them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from carport.shared import inbox
from carport.shared.db import Runtime

Row = dict[str, Any]


def run(runtimes: Mapping[str, Runtime], options: argparse.Namespace) -> int:
    """List all, show one, or give a parked one its attempts back."""
    if options.what == "replay":
        return replay(runtimes, options.id)
    rows = list(unfinished(runtimes, "parked" if options.parked else None))
    if options.what == "show":
        rows = [row for row in rows if row["event_id"] == options.id]
    if options.json or options.what == "show":
        print(json.dumps(rows, indent=2, default=str))
    else:
        print("\n".join(map(line, rows)) or "Nothing is waiting, being retried or parked.")
    return 0 if rows or options.what == "list" else 1


def unfinished(runtimes: Mapping[str, Runtime], state: str | None) -> Iterator[Row]:
    """Every such event with the service in whose inbox it is."""
    for name, runtime in runtimes.items():
        with runtime.reading() as tx:
            yield from ({"inbox": name, **row} for row in inbox.unfinished(tx, state=state))


def line(row: Row) -> str:
    """One event in one line."""
    return (
        f"{row['inbox']:<14}{row['state']:<9}{row['attempts']}×  {row['event_id']}  "
        f"{row['type']}: {row['error'] or ''}"
    )


def replay(runtimes: Mapping[str, Runtime], event_id: str) -> int:
    """Try a parked event again, in every inbox in which it is parked."""
    found = False
    for name, runtime in runtimes.items():
        with runtime.transaction() as tx:
            if inbox.replay(tx, event_id, runtime.clock()):
                print(f"{name}: {event_id} will be handled again.")
                found = True
    if not found:
        print(f"{event_id} is parked in no inbox.")
    return 0 if found else 1
