"""What is read of the ledger, and the hash that chains its journals; ``books`` writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.bookings import Live
from carport.accounts.domain.journal import Entry
from carport.accounts.tables import derived, entry, journal

GENESIS = "0" * 64
HASHED = tuple(column.name for column in journal.columns if column.name != "hash")
ZONE = len("+00:00")
DERIVED = (
    sa.select(
        derived.c.contract_id, derived.c.key, derived.c.revision, derived.c.journal_id,
        journal.c.effective_on, entry.c.account, entry.c.side, entry.c.amount,
    )
    .join(journal, journal.c.id == derived.c.journal_id)
    .outerjoin(
        entry,
        sa.and_(entry.c.journal_id == journal.c.id, derived.c.is_reversed.is_(sa.false())),
    )
    .where(derived.c.contract_id.in_(sa.bindparam("contracts", expanding=True)))
    .order_by(journal.c.seq, entry.c.line)
)  # fmt: skip
"""Of what is reversed the entries are left out."""
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass
class Derived:
    """The derived journals of a contract that are not reversed, by the id of the journal in the
    order they were booked, and the highest revision every key ever had."""

    live: dict[str, Live] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)


def digest(row: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of a journal: all columns but the hash itself, and all entries, as canonical JSON."""
    columns: dict[str, Any] = {name: _plain(row[name]) for name in HASHED}
    lines = sorted(entries, key=lambda line: line["line"])
    columns["entries"] = [[e["line"], e["account"], e["side"], e["amount"]] for e in lines]
    return hashlib.sha256(canonical(columns).encode()).hexdigest()


def derived_of(tx: sa.Connection, contract_ids: Sequence[str]) -> dict[str, Derived]:
    """What replays booked, by contract."""
    found = {contract_id: Derived() for contract_id in contract_ids}
    entries: dict[Any, list[Entry]] = {}
    for contract_id, key, revision, *named, account, side, amount in tx.execute(
        DERIVED, {"contracts": contract_ids}
    ):
        highest = found[contract_id].revisions
        highest[key] = max(revision, highest.get(key, 0))
        if account is not None:
            lines = entries.setdefault((contract_id, f"{key}:{revision}", *named), [])
            lines.append(Entry(account, side, amount))
    for (contract_id, reference, journal_id, effective_on), of_journal in entries.items():
        found[contract_id].live[journal_id] = Live(reference, effective_on, tuple(of_journal))
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
