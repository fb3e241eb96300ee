"""Whether the ledger is what it claims to be, from its rows alone: one sentence per fault.

The numbers are those of the reliability bar: I-01 to I-08, and that a replay changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.bookings import Changes, changes, postings
from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.domain.journal import JournalRefused
from carport.accounts.queries import accounts
from carport.accounts.repo import days, ledger
from carport.accounts.tables import anchor, balance, chain, contract, entry, item, journal

FAULTS_MAX = 100
"""Faults named in one run; the first ones tell where to look."""
SIGNED = sa.case((entry.c.side == "debit", entry.c.amount), else_=-entry.c.amount)


def verify(tx: sa.Connection) -> list[str]:
    """Every fault found, at most `FAULTS_MAX`; empty when all is well."""
    found: list[str] = []
    for check in (unbalanced, stored_balances, chains, reversals, closed_days, anchors,
                  receipts, replays):  # fmt: skip
        for fault in check(tx):
            found.append(fault)
            if len(found) >= FAULTS_MAX:
                return found
    return found


def unbalanced(tx: sa.Connection) -> Iterator[str]:
    """I-01 to I-03: every journal, and so the whole ledger, nets to zero; accounts are known."""
    query = (
        sa.select(journal.c.id, sa.func.coalesce(sa.func.sum(SIGNED), 0).label("net"),
                  sa.func.count(entry.c.line).label("lines"))
        .outerjoin(entry, entry.c.journal_id == journal.c.id)
        .group_by(journal.c.id)
        .having(sa.or_(sa.func.coalesce(sa.func.sum(SIGNED), 0) != 0,
                       sa.func.count(entry.c.line) < 2))
    )  # fmt: skip
    for row in tx.execute(query):
        yield f"I-01: journal {row.id} has {row.lines} entries that net to {row.net}"
    known = entry.c.account.not_in(list(ACCOUNTS))
    for row in tx.execute(sa.select(entry.c.journal_id, entry.c.account).where(known)):
        yield f"I-03: journal {row.journal_id} uses the unknown account {row.account}"


def stored_balances(tx: sa.Connection) -> Iterator[str]:
    """I-04: both columns of every balance are the sums of its entries."""
    own = [code for code, account in ACCOUNTS.items() if not account.shared]
    side = {
        name: sa.func.sum(sa.case((entry.c.side == name, entry.c.amount), else_=0))
        for name in ("debit", "credit")
    }
    query = (
        sa.select(journal.c.contract_id, entry.c.account, side["debit"], side["credit"])
        .join(journal, journal.c.id == entry.c.journal_id)
        .where(entry.c.account.in_(own), journal.c.contract_id.is_not(None))
        .group_by(journal.c.contract_id, entry.c.account)
    )
    rebuilt = {(row[0], row[1]): (row[2], row[3]) for row in tx.execute(query)}
    stored = {
        (r.contract_id, r.account): (r.debits, r.credits) for r in tx.execute(sa.select(balance))
    }
    for key in sorted(rebuilt.keys() | stored.keys()):
        if rebuilt.get(key) != stored.get(key):
            yield (
                f"I-04: {key[1]} of {key[0]} is stored as {stored.get(key)}, "
                f"its entries give {rebuilt.get(key)}"
            )


def chains(tx: sa.Connection) -> Iterator[str]:
    """I-07: every journal hashes to what it says and follows the one before; no end is missing."""
    ends = {row.name: (row.length, row.head) for row in tx.execute(sa.select(chain))}
    seen: set[str] = set()
    for name, rows in groupby(journals(tx), key=lambda row: row["chain"]):
        seen.add(name)
        seq, head = 0, ledger.GENESIS
        fault = None
        for row in rows:
            seq += 1
            if fault is None:
                fault = _broken(row, seq, head)
            head = row["hash"]
        yield from [fault] if fault else []
        if fault is None and ends.get(name) != (seq, head):
            yield f"I-07: the chain of {name} ends at {seq}, which is not the end that was kept"
    for name in sorted(ends.keys() - seen):
        yield f"I-07: the chain of {name} has no journals left"


def _broken(row: dict[str, Any], seq: int, head: str) -> str | None:
    where = f"I-07: journal {row['id']} ({row['chain']}, number {row['seq']})"
    if row["seq"] != seq or row["prev_hash"] != head:
        return f"{where} does not follow the one before"
    if ledger.digest(row, row["entries"]) != row["hash"]:
        return f"{where} was changed"
    return None


def journals(tx: sa.Connection) -> Iterator[dict[str, Any]]:
    """All journals in chain order, with their entries."""
    query = (
        sa.select(journal, entry.c.line, entry.c.account, entry.c.side,
                  entry.c.amount.label("cents"))
        .outerjoin(entry, entry.c.journal_id == journal.c.id)
        .order_by(journal.c.chain, journal.c.seq, entry.c.line)
    )  # fmt: skip
    for _, rows in groupby(tx.execute(query).mappings(), key=lambda row: row["id"]):
        lines = list(rows)
        entries = [
            {"line": r["line"], "account": r["account"], "side": r["side"], "amount": r["cents"]}
            for r in lines
            if r["line"] is not None
        ]
        yield {**lines[0], "entries": entries}


def reversals(tx: sa.Connection) -> Iterator[str]:
    """I-06: a reversal mirrors its original and is none of a reversal."""
    original = journal.alias("original")
    query = sa.select(journal.c.id, original.c.id.label("of"), original.c.reverses_id).join(
        original, original.c.id == journal.c.reverses_id
    )
    for row in tx.execute(query).all():
        if row.reverses_id is not None:
            yield f"I-06: journal {row.id} reverses a reversal"
        if _nets(tx, row.id) != {code: -cents for code, cents in _nets(tx, row.of).items()}:
            yield f"I-06: journal {row.id} does not mirror {row.of}"


def _nets(tx: sa.Connection, journal_id: str) -> dict[str, int]:
    query = sa.select(entry.c.account, sa.func.sum(SIGNED)).where(entry.c.journal_id == journal_id)
    return {row[0]: row[1] for row in tx.execute(query.group_by(entry.c.account))}


def closed_days(tx: sa.Connection) -> Iterator[str]:
    """I-08: along a chain ``booked_on`` never goes back, and never past the open day."""
    query = sa.select(journal.c.id, journal.c.chain, journal.c.booked_on)
    for _, rows in groupby(tx.execute(query.order_by(journal.c.chain, journal.c.seq)),
                           key=lambda row: row.chain):  # fmt: skip
        reached = date.min
        for row in rows:
            if row.booked_on < reached:
                yield f"I-08: journal {row.id} was booked on {row.booked_on}, a closed day"
            reached = max(reached, row.booked_on)
    query = sa.select(journal.c.id, journal.c.booked_on, contract.c.closed_through).join(
        contract, contract.c.id == journal.c.contract_id
    )
    for row in tx.execute(query):
        if row.booked_on > row.closed_through + timedelta(days=1):
            yield f"I-08: journal {row.id} is booked on {row.booked_on}, which is not open yet"


def anchors(tx: sa.Connection) -> Iterator[str]:
    """I-07: the chains still hold what they held at each close."""
    ordered = sa.select(journal.c.chain, journal.c.booked_on, journal.c.hash)
    found: dict[str, tuple[list[date], list[str]]] = {}
    for row in tx.execute(ordered.order_by(journal.c.chain, journal.c.seq)):
        booked, hashes = found.setdefault(row.chain, ([], []))
        booked.append(row.booked_on)
        hashes.append(row.hash)
    for kept in tx.execute(sa.select(anchor).order_by(anchor.c.date)):
        lines = []
        for name, (booked, hashes) in found.items():
            length = bisect_right(booked, kept.date)
            if length:
                lines.append((name, length, hashes[length - 1]))
        if (len(lines), days.anchor_of(lines)) != (kept.contracts, kept.sha256):
            yield f"I-07: the ledger at the close of {kept.date} is not what its anchor says"


def receipts(tx: sa.Connection) -> Iterator[str]:
    """I-10: every payment has one receipt of its cents and day, reversed when the payment is."""
    undone = journal.alias("undone")
    receipt = sa.and_(
        journal.c.reference == "payment:" + item.c.id,
        journal.c.amount == item.c.amount,
        journal.c.effective_on == item.c.effective_on,
    )
    query = (
        sa.select(item.c.id, item.c.reversed_at, journal.c.id.label("receipt"),
                  undone.c.id.label("undone"))
        .outerjoin(journal, receipt)
        .outerjoin(undone, undone.c.reverses_id == journal.c.id)
        .where(item.c.kind == "payment")
    )  # fmt: skip
    for row in tx.execute(query):
        if row.receipt is None or (row.undone is None) != (row.reversed_at is None):
            yield f"I-10: the receipt of payment {row.id} does not agree with the payment"


def replays(tx: sa.Connection) -> Iterator[str]:
    """I-24: deriving each contract again gives what is booked, to the cent."""
    for contract_id in tx.execute(sa.select(contract.c.id).order_by(contract.c.id)).scalars():
        try:
            made = replayed(tx, contract_id)
        except JournalRefused as error:
            yield f"I-24: {contract_id} has a derived journal that cannot be: {error}"
            continue
        for part in (*made.reversals, *made.bookings):
            yield f"I-24: a replay of {contract_id} would book {part.reference}"


def replayed(tx: sa.Connection, contract_id: str) -> Changes:
    """What a replay of the contract would book now."""
    one = accounts.get(tx, contract_id)
    return changes(
        ledger.live(tx, one.id),
        postings(accounts.derived(tx, one), contract_id=one.id),
        revisions={},
        contract_id=one.id,
        booked_on=one.open_day,
    )
