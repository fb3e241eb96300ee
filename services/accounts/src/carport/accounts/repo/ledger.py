"""Journals in: balanced once more, chained by hash, summed into balances, never changed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from carport.accounts.domain.bookings import Live
from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.domain.journal import Entry, Journal
from carport.accounts.repo.contracts import Contract
from carport.accounts.tables import balance, chain, derived, entry, journal
from carport.shared.kernel.ids import new_id

GENESIS = "0" * 64
HASHED = tuple(column.name for column in journal.columns if column.name != "hash")


class LedgerRefused(Exception):
    """A journal that must not be posted: a fault of this program, never of a client."""

    code = "ledger_refused"


@dataclass(frozen=True)
class Line:
    """A journal and what a customer is shown of it: *amount* (positive lowers what is owed) and
    the *balance_after* it, in cents; both None for inner journals. What a replay derived is kept
    by its key, so that the next one can take it back."""

    journal: Journal
    amount: int | None = None
    balance_after: int | None = None
    is_derived: bool = False


def post(
    tx: sa.Connection,
    contract: Contract,
    lines: Sequence[Line],
    *,
    now: datetime,
    source_event_id: str | None = None,
) -> None:
    """Append *lines* to the chain of *contract*, whose row the caller has locked.

    Raises LedgerRefused for a journal that does not balance or is not booked in an open day.
    """
    if not lines:
        return
    seq, head = _end(tx, contract.id)
    originals = _originals(tx, [line.journal.reverses for line in lines])
    rows: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for line in lines:
        _check(contract, line.journal)
        seq += 1
        row = _row(contract, line, now) | {"source_event_id": source_event_id}
        row |= {"seq": seq, "prev_hash": head, "reverses_id": originals.get(line.journal.reverses)}
        own = _entries(row["id"], line.journal.entries)
        head = row["hash"] = digest(row, own)
        rows.append(row)
        entries += own
    tx.execute(journal.insert(), rows)
    tx.execute(entry.insert(), entries)
    _store_end(tx, contract.id, length=seq, head=head, booked_on=rows[-1]["booked_on"])
    _add_to_balances(tx, contract.id, entries)
    _store_derived(tx, contract.id, lines, rows)


def digest(row: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of a journal: all columns but the hash itself, and all entries, as canonical JSON."""
    columns: dict[str, Any] = {name: _plain(row[name]) for name in HASHED}
    lines = sorted(entries, key=lambda line: line["line"])
    columns["entries"] = [[e["line"], e["account"], e["side"], e["amount"]] for e in lines]
    text = json.dumps(columns, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def live(tx: sa.Connection, contract_id: str) -> list[Live]:
    """Derived journals of the contract that are not reversed, in the order they were booked."""
    query = (
        sa.select(
            journal.c.reference,
            journal.c.effective_on,
            entry.c.account,
            entry.c.side,
            entry.c.amount,
        )
        .join(derived, derived.c.journal_id == journal.c.id)
        .join(entry, entry.c.journal_id == journal.c.id)
        .where(derived.c.contract_id == contract_id, derived.c.is_reversed.is_(sa.false()))
        .order_by(journal.c.seq, entry.c.line)
    )
    found: dict[tuple[str, date], list[Entry]] = {}
    for row in tx.execute(query):
        entries = found.setdefault((row.reference, row.effective_on), [])
        entries.append(Entry(row.account, row.side, row.amount))
    return [Live(*key, tuple(entries)) for key, entries in found.items()]


def revisions(tx: sa.Connection, contract_id: str) -> dict[str, int]:
    """The highest revision each derived key of the contract ever had."""
    query = (
        sa.select(derived.c.key, sa.func.max(derived.c.revision))
        .where(derived.c.contract_id == contract_id)
        .group_by(derived.c.key)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def booked(tx: sa.Connection, contract_id: str, account: str) -> int:
    """Cents credited less cents debited to a shared *account* by journals of the contract."""
    signed = sa.case((entry.c.side == "credit", entry.c.amount), else_=-entry.c.amount)
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(signed), 0))
        .join(journal, journal.c.id == entry.c.journal_id)
        .where(journal.c.contract_id == contract_id, entry.c.account == account)
    )
    return int(tx.execute(query).scalar_one())


def _end(tx: sa.Connection, name: str) -> tuple[int, str]:
    query = sa.select(chain).where(chain.c.name == name).with_for_update()
    row = tx.execute(query).mappings().first()
    return (row["length"], row["head"]) if row else (0, GENESIS)


def _originals(tx: sa.Connection, references: Sequence[str | None]) -> dict[str | None, str]:
    wanted = [reference for reference in references if reference]
    if not wanted:
        return {}
    query = sa.select(journal.c.reference, journal.c.id).where(journal.c.reference.in_(wanted))
    found: dict[str | None, str] = {row[0]: row[1] for row in tx.execute(query)}
    if missing := set(wanted) - set(found):
        raise LedgerRefused(f"nothing to reverse: {sorted(missing)}")
    return found


def _check(contract: Contract, journal_: Journal) -> None:
    """The second half of a pair of checks: the first is made where a journal is built."""
    debits = sum(e.amount for e in journal_.entries if e.side == "debit")
    credits_ = sum(e.amount for e in journal_.entries if e.side == "credit")
    if debits != credits_ or debits <= 0:
        raise LedgerRefused(f"{journal_.reference} does not balance: {debits} and {credits_}")
    if journal_.contract_id != contract.id:
        raise LedgerRefused(f"{journal_.reference} is of another contract")
    if journal_.booked_on <= contract.closed_through:
        raise LedgerRefused(f"{journal_.reference} is booked on a closed day")


def _row(contract: Contract, line: Line, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(now),
        "chain": contract.id,
        "contract_id": contract.id,
        "kind": line.journal.kind,
        "reference": line.journal.reference,
        "effective_on": line.journal.effective_on,
        "booked_on": line.journal.booked_on,
        "posted_at": now,
        "currency": contract.currency,
        "amount": line.amount,
        "balance_after": line.balance_after,
    }


def _entries(journal_id: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {"journal_id": journal_id, "line": n, "account": e.account, "side": e.side,
         "amount": e.amount}
        for n, e in enumerate(entries, start=1)
    ]  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value


def _upsert(tx: sa.Connection, table: sa.Table) -> Any:
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


def _store_end(tx: sa.Connection, name: str, *, length: int, head: str, booked_on: date) -> None:
    end = {"length": length, "head": head, "booked_on": booked_on}
    insert = _upsert(tx, chain).values(name=name, **end)
    tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_=end))


def _add_to_balances(tx: sa.Connection, contract_id: str, entries: list[dict[str, Any]]) -> None:
    """Grow both columns of each account the contract has for itself, in sorted order."""
    sums: dict[str, dict[str, int]] = {}
    for line in entries:
        if not ACCOUNTS[line["account"]].shared:
            both = sums.setdefault(line["account"], {"debits": 0, "credits": 0})
            both[f"{line['side']}s"] += line["amount"]
    if not sums:
        return
    insert = _upsert(tx, balance)
    grown = {
        "debits": balance.c.debits + insert.excluded.debits,
        "credits": balance.c.credits + insert.excluded.credits,
    }
    rows = [{"contract_id": contract_id, "account": a, **sums[a]} for a in sorted(sums)]
    keys = ["contract_id", "account"]
    tx.execute(insert.on_conflict_do_update(index_elements=keys, set_=grown), rows)


def _store_derived(
    tx: sa.Connection, contract_id: str, lines: Sequence[Line], rows: list[dict[str, Any]]
) -> None:
    """Index what a replay derived: a reversal frees the key, then the new revision takes it."""
    undone = [row["reverses_id"] for row in rows if row["reverses_id"]]
    if undone:
        change = derived.update().where(derived.c.journal_id.in_(undone))
        tx.execute(change.values(is_reversed=True))
    new = []
    for line, row in zip(lines, rows, strict=True):
        if line.is_derived:
            key, _, revision = row["reference"].rpartition(":")
            new.append({"journal_id": row["id"], "contract_id": contract_id, "key": key,
                        "revision": int(revision), "is_reversed": False})  # fmt: skip
    if new:
        tx.execute(derived.insert(), new)
