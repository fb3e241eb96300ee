"""One event: what it says, personal data masked, and what became of it where."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import sqlalchemy as sa

from carport.allinone import databases
from carport.allinone.databases import Snapshot
from carport.shared import events
from carport.shared.inbox import inbox
from carport.shared.outbox import outbox

MASK = "•••"
SECRET = frozenset({"account_number", "account_number_key", "match_key", "sealed"})
"""No personal data by their contracts, and nothing to leave on a screen either."""
SAID = ("created_at", "attempts", "sent_at")
RECEIVED = ("state", "attempts", "received_at", "next_attempt_at", "error")
MASKED = "masked where you see •••; --reveal shows it"
REVEALED = "in clear: do not copy it anywhere"


def run(options: argparse.Namespace) -> int:
    """Print it; 1 when nobody has it."""
    with databases.reading() as tx:
        told = history(tx, options.id, reveal=options.reveal)
    if told is None:
        print(f"carport: no outbox and no inbox has event {options.id}.", file=sys.stderr)
        return 1
    print(json.dumps(told, indent=2, ensure_ascii=False, default=str))
    return 0


def history(tx: Snapshot, event_id: str, *, reveal: bool) -> dict[str, Any] | None:
    """The event, where it was said and what each inbox made of it."""
    said = {unit: row for unit in tx if (row := _row(tx[unit], outbox, event_id))}
    got = {unit: row for unit in tx if (row := _row(tx[unit], inbox, event_id))}
    rows = [*said.values(), *got.values()]
    if not rows:
        return None
    body = next((row["body"] for row in rows if row["body"]), None)
    wanted = consumers(rows[0]["type"])
    return {
        "event": read(body, reveal=reveal),
        "personal_data": REVEALED if reveal else MASKED,
        "said_by": {unit: {name: row[name] for name in SAID} for unit, row in said.items()},
        "inboxes": {unit: {name: row[name] for name in RECEIVED} for unit, row in got.items()},
        "never_reached": sorted(set(wanted) - set(got)),
    }


def _row(tx: sa.Connection, table: sa.Table, event_id: str) -> Any:
    return tx.execute(sa.select(table).where(table.c.event_id == event_id)).mappings().first()


def consumers(type_: str) -> list[str]:
    """Whom events of that type are for; nobody for a type without a contract."""
    return list(events.contract(type_)["consumers"]) if type_ in events.contracts() else []


def read(body: str | None, *, reveal: bool) -> Any:
    """The event in *body*; of what is none, its size, unless it is to be revealed."""
    if body is None:
        return None
    try:
        event = json.loads(body)
        type_ = event["type"]
    except (ValueError, TypeError, KeyError):
        return body if reveal else f"no event: {len(body)} characters"
    if reveal:
        return event
    schema = events.contract(type_)["schema"] if type_ in events.contracts() else None
    return event | {"data": masked(event.get("data"), schema)}


def masked(value: Any, schema: Any, name: str = "") -> Any:
    """*value* without personal data and secrets, as its *schema* marks them; of what has no
    schema, without any text."""
    if schema is None or schema.get("personal_data") or name in SECRET:
        if isinstance(value, dict):
            return {key: masked(item, schema, key) for key, item in value.items()}
        return value if value is None or isinstance(value, bool) else hidden(value, name)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {key: masked(item, known.get(key), key) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, schema.get("items"), name) for item in value]
    return value


def hidden(value: Any, name: str) -> str:
    """What is shown instead."""
    return MASK + str(value)[-4:] if name == "account_number" else MASK
