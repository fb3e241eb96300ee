"""Whether the ledger is the one that was written: hash chains, anchors and closed days."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa

from carport.accounts.repo import ledger
from carport.accounts.tables import anchor, chain, contract, day_close, entry, journal
from carport.shared import business_day
from carport.shared.checks import Check, bytewise, paired, stream

TAMPERED = (
    "The row was written past the ledger. Keep the database for evidence, restore a backup from "
    "before, and post what came later by `carport events replay --to accounts --missing`."
)
JOURNAL = tuple(column.name for column in journal.columns)
ENTRY = ("line", "account", "side", "amount")
Row = dict[str, Any]


def broken_chains(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """The first journal of each chain that is not what was hashed, and ends that were cut off."""
    ends = stream(tx, sa.select(chain).order_by(bytewise(tx, chain.c.name)))
    kept = ((row.name, row.length, row.head) for row in ends)
    for end, found in paired(kept, walked(tx)):
        if found is None and end is not None:
            yield f"the chain of {end[0]} has no journals left"
        elif found is not None:
            name, seq, head, fault = found
            if fault or end != (name, seq, head):
                yield fault or f"the chain of {name} ends at {seq}, not where it was kept to end"


def walked(tx: sa.Connection) -> Iterator[tuple[str, int, str, str | None]]:
    """Each chain: its name, the number and hash of its last journal, its first fault."""
    for name, rows in groupby(journals(tx), key=lambda row: row["chain"]):
        seq, head, fault = 0, ledger.GENESIS, None
        for row in rows:
            seq += 1
            fault = fault or _fault(row, seq, head)
            head = row["hash"]
        yield name, seq, head, fault


def _fault(row: Row, seq: int, head: str) -> str | None:
    where = f"journal {row['id']} ({row['chain']}, number {row['seq']})"
    if row["seq"] != seq or row["prev_hash"] != head:
        return f"{where} does not follow the one before"
    if ledger.digest(row, row["entries"]) != row["hash"]:
        return f"{where} was changed"
    return None


def journals(tx: sa.Connection) -> Iterator[Row]:
    """All journals in chain order, each with its entries."""
    place = (bytewise(tx, journal.c.chain), journal.c.seq, journal.c.id)
    lines = (
        sa.select(entry.c.journal_id, *(entry.c[name] for name in ENTRY))
        .join(journal, journal.c.id == entry.c.journal_id)
        .order_by(*place, entry.c.line)
    )
    entries = groupby(stream(tx, lines), key=itemgetter(0))
    owner, own = next(entries, (None, iter(())))
    for row in stream(tx, sa.select(journal).order_by(*place)):
        found = dict(zip(JOURNAL, row, strict=True))
        found["entries"] = []
        if owner == found["id"]:
            found["entries"] = [dict(zip(ENTRY, line[1:], strict=True)) for line in own]
            owner, own = next(entries, (None, iter(())))
        yield found


def unlike_anchors(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Days at whose close the chains did not end where its anchor says."""
    kept = list(tx.execute(sa.select(anchor).order_by(anchor.c.date)))
    days = [row.date for row in kept]
    digests = [hashlib.sha256() for _ in days]
    counts = [0] * len(days)
    for line, since in _ends(tx, days):
        for index in since:
            digests[index].update(line if not counts[index] else b"\n" + line)
            counts[index] += 1
    for row, digest, count in zip(kept, digests, counts, strict=True):
        if (count, digest.hexdigest()) != (row.contracts, row.sha256):
            yield f"the ledger at the close of {row.date} is not what its anchor says"


def _ends(tx: sa.Connection, days: list[date]) -> Iterator[tuple[bytes, range]]:
    """The line of every chain in an anchor, and of which *days* it is: until its next journal."""
    columns = (journal.c.chain, journal.c.seq, journal.c.booked_on, journal.c.hash)
    query = sa.select(*columns).order_by(bytewise(tx, journal.c.chain), journal.c.seq)
    for name, rows in groupby(stream(tx, query), key=attrgetter("chain")):
        line, start = b"", len(days)
        for row in rows:
            until = bisect_left(days, row.booked_on)
            yield line, range(start, until)
            line, start = f"{name},{row.seq},{row.hash}".encode(), until
        yield line, range(start, len(days))


def closed_days(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Journals booked on a day that was closed, or not open yet; contracts left behind."""
    earlier = sa.func.lag(journal.c.booked_on).over(
        partition_by=journal.c.chain, order_by=journal.c.seq
    )
    each = sa.select(journal.c.id, journal.c.booked_on, earlier.label("earlier")).subquery()
    for row in stream(tx, sa.select(each).where(each.c.booked_on < each.c.earlier)):
        yield f"journal {row.id} was booked on {row.booked_on}, a closed day"
    query = sa.select(journal.c.id, journal.c.booked_on, contract.c.closed_through).join(
        contract, contract.c.id == journal.c.contract_id
    )
    for row in stream(tx, query.where(journal.c.booked_on > contract.c.closed_through)):
        if row.booked_on > row.closed_through + timedelta(days=1):
            yield f"journal {row.id} is booked on {row.booked_on}, which is not open yet"
    yield from _left_behind(tx)


def _left_behind(tx: sa.Connection) -> Iterator[str]:
    if not business_day.is_open(tx):
        return
    today = business_day.get(tx).date
    span = contract.c.closed_through.between(today - timedelta(days=1), today)
    for row in stream(tx, sa.select(contract.c.id, contract.c.closed_through).where(~span)):
        yield f"contract {row.id} is closed through {row.closed_through}, the day is {today}"


def unanchored(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Days that were closed and have no anchor, and the other way round."""
    closed = sa.and_(day_close.c.date == anchor.c.date, day_close.c.step == "done")
    query = sa.select(day_close.c.date).outerjoin(anchor, anchor.c.date == day_close.c.date)
    for day in stream(tx, query.where(day_close.c.step == "done", anchor.c.date.is_(None))):
        yield f"{day.date} was closed without an anchor"
    query = sa.select(anchor.c.date).outerjoin(day_close, closed)
    for day in stream(tx, query.where(day_close.c.date.is_(None))):
        yield f"{day.date} has an anchor and was not closed"


CHECKS = (
    Check("I-07", "Every journal, all columns and entries, hashes to what it says, follows the one "
          "before, and no end of a chain is missing.", TAMPERED, broken_chains),
    Check("I-07", "At each close the chains ended where the anchor of that day says.", TAMPERED,
          unlike_anchors),
    Check("I-07", "Every closed day has an anchor.", TAMPERED, unanchored),
    Check("I-08", "No journal is booked on a closed day or one that is not open, and no contract "
          "is left behind by the close.", TAMPERED, closed_days),
)  # fmt: skip
