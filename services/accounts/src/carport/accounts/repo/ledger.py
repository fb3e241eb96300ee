"""What is read of the ledger, and the hash that chains its journals; ``books`` writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.bookings import Live
from carport.accounts.domain.journal import Entry
from carport.accounts.tables import derived, entry, journal

GENESIS = "0" * 64
HASHED = tuple(column.name for column in journal.columns if column.name != "hash")
ZONE = len("+00:00")
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest(row: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of a journal: all columns but the hash itself, and all entries, as canonical JSON."""
    columns: dict[str, Any] = {name: _plain(row[name]) for name in HASHED}
    lines = sorted(entries, key=lambda line: line["line"])
    columns["entries"] = [[e["line"], e["account"], e["side"], e["amount"]] for e in lines]
    return hashlib.sha256(canonical(columns).encode()).hexdigest()


def live_of(tx: sa.Connection, contract_ids: Sequence[str]) -> dict[str, dict[str, Live]]:
    """Derived journals that are not reversed, by contract and, in the order they were booked, by
    the id of the journal."""
    query = (
        sa.select(
            journal.c.contract_id,
            journal.c.id,
            journal.c.reference,
            journal.c.effective_on,
            entry.c.account,
            entry.c.side,
            entry.c.amount,
        )
        .join(derived, derived.c.journal_id == journal.c.id)
        .join(entry, entry.c.journal_id == journal.c.id)
        .where(derived.c.contract_id.in_(contract_ids), derived.c.is_reversed.is_(sa.false()))
        .order_by(journal.c.seq, entry.c.line)
    )
    entries: dict[Any, list[Entry]] = {}
    for contract_id, journal_id, reference, effective_on, *line in tx.execute(query):
        entries.setdefault((contract_id, journal_id, reference, effective_on), []).append(
            Entry(*line)
        )
    found: dict[str, dict[str, Live]] = {contract_id: {} for contract_id in contract_ids}
    for (contract_id, journal_id, reference, effective_on), lines in entries.items():
        found[contract_id][journal_id] = Live(reference, effective_on, tuple(lines))
    return found


def booked(tx: sa.Connection, contract_id: str, account: str) -> int:
    """Cents credited less cents debited to a shared *account* by journals of the contract."""
    signed = sa.case((entry.c.side == "credit", entry.c.amount), else_=-entry.c.amount)
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(signed), 0))
        .join(journal, journal.c.id == entry.c.journal_id)
        .where(journal.c.contract_id == contract_id, entry.c.account == account)
    )
    return int(tx.execute(query).scalar_one())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")[:-ZONE] + "Z"
    return value.isoformat() if isinstance(value, date) else value
