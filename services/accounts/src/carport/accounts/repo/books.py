"""The ledgers of contracts a transaction has locked: read at once, added to in memory, stored at
once, so that a batch costs as many statements as one posting.

Every journal is checked once more when it is added: balanced, of its contract, on an open day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.bookings import Live
from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.domain.journal import Entry, Journal
from carport.accounts.repo.contracts import Contract
from carport.accounts.repo.ledger import GENESIS, digest, live_of
from carport.accounts.tables import balance, chain, derived, entry, journal
from carport.shared.kernel.ids import new_id
from carport.shared.rows import insert_all

Row = dict[str, Any]


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


@dataclass
class Page:
    """One contract's part: the end of its chain, its live derived journals by reference, the id of
    each, and the highest revision every derived key ever had."""

    length: int = 0
    head: str = GENESIS
    live: dict[str, Live] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)


class Books:
    """The pages of *contract_ids*, whose rows the caller has locked. Nothing is written before
    ``store``."""

    def __init__(self, tx: sa.Connection, contract_ids: Iterable[str]) -> None:
        self._tx = tx
        self._pages = read(tx, sorted(set(contract_ids)))
        self._journals: list[Row] = []
        self._entries: list[Row] = []
        self._derived: dict[str, Row] = {}
        self._undone: list[str] = []

    def live(self, contract_id: str) -> list[Live]:
        """Derived journals of the contract that are not reversed, in the order they were booked."""
        return list(self._pages[contract_id].live.values())

    def revisions(self, contract_id: str) -> Mapping[str, int]:
        """The highest revision each derived key of the contract ever had."""
        return self._pages[contract_id].revisions

    def post(
        self,
        contract: Contract,
        lines: Sequence[Line],
        *,
        now: datetime,
        source_event_id: str | None = None,
    ) -> None:
        """Append *lines* to the chain of *contract*.

        Raises LedgerRefused for a journal that does not balance or is not booked in an open day.
        """
        page = self._pages[contract.id]
        for line in lines:
            check(contract, line.journal)
            page.length += 1
            row = as_row(contract, line, now) | {
                "source_event_id": source_event_id,
                "seq": page.length,
                "prev_hash": page.head,
                "reverses_id": self._original(page, line.journal.reverses),
            }
            own = as_entries(row["id"], line.journal.entries)
            page.head = row["hash"] = digest(row, own)
            self._journals.append(row)
            self._entries += own
            self._index(page, line, row)

    def store(self) -> None:
        """Write what was posted: journals, entries, ends of chains, balances, derived keys."""
        if not self._journals:
            return
        insert_all(self._tx, journal, self._journals)
        insert_all(self._tx, entry, self._entries)
        store_ends(self._tx, self._journals)
        add_to_balances(self._tx, self._journals, self._entries)
        if self._undone:
            # Before the inserts: a reversal frees the key for its next revision.
            undone = derived.update().where(derived.c.journal_id.in_(self._undone))
            self._tx.execute(undone.values(is_reversed=True))
        if self._derived:
            insert_all(self._tx, derived, list(self._derived.values()))
        self._journals, self._entries, self._derived, self._undone = [], [], {}, []

    def _original(self, page: Page, reference: str | None) -> str | None:
        """The id of the journal *reference* names."""
        if reference is None:
            return None
        pending = (row["id"] for row in self._journals if row["reference"] == reference)
        found = page.ids.get(reference) or next(pending, None)
        if found is None:
            query = sa.select(journal.c.id).where(journal.c.reference == reference)
            found = self._tx.execute(query).scalar()
        if found is None:
            raise LedgerRefused(f"nothing to reverse: {reference}")
        return found

    def _index(self, page: Page, line: Line, row: Row) -> None:
        """Keep what a replay derived: at most one journal of a key is not reversed."""
        undone = line.journal.reverses
        if undone in page.live:
            del page.live[undone]
            undone_id = page.ids.pop(undone)
            if undone_id in self._derived:
                self._derived[undone_id]["is_reversed"] = True
            else:
                self._undone.append(undone_id)
        if line.is_derived:
            reference = line.journal.reference
            key, _, revision = reference.rpartition(":")
            page.live[reference] = Live(reference, line.journal.effective_on, line.journal.entries)
            page.ids[reference], page.revisions[key] = row["id"], int(revision)
            self._derived[row["id"]] = {
                "journal_id": row["id"], "contract_id": row["contract_id"], "key": key,
                "revision": int(revision), "is_reversed": False,
            }  # fmt: skip


def read(tx: sa.Connection, contract_ids: Sequence[str]) -> dict[str, Page]:
    """The pages of *contract_ids*."""
    pages = {contract_id: Page() for contract_id in contract_ids}
    ends = sa.select(chain.c.name, chain.c.length, chain.c.head)
    for row in tx.execute(ends.where(chain.c.name.in_(contract_ids)).with_for_update()):
        pages[row.name].length, pages[row.name].head = row.length, row.head
    for contract_id, booked in live_of(tx, contract_ids).items():
        page = pages[contract_id]
        page.live = {live.reference: live for live in booked.values()}
        page.ids = {live.reference: journal_id for journal_id, live in booked.items()}
    highest = (
        sa.select(derived.c.contract_id, derived.c.key, sa.func.max(derived.c.revision))
        .where(derived.c.contract_id.in_(contract_ids))
        .group_by(derived.c.contract_id, derived.c.key)
    )
    for contract_id, key, revision in tx.execute(highest):
        pages[contract_id].revisions[key] = revision
    return pages


def check(contract: Contract, posted: Journal) -> None:
    """The second half of a pair of checks: the first is made where a journal is built."""
    debits = sum(e.amount for e in posted.entries if e.side == "debit")
    credits_ = sum(e.amount for e in posted.entries if e.side == "credit")
    if debits != credits_ or debits <= 0:
        raise LedgerRefused(f"{posted.reference} does not balance: {debits} and {credits_}")
    if posted.contract_id != contract.id:
        raise LedgerRefused(f"{posted.reference} is of another contract")
    if posted.booked_on <= contract.closed_through:
        raise LedgerRefused(f"{posted.reference} is booked on a closed day")


def as_row(contract: Contract, line: Line, now: datetime) -> Row:
    """The columns of a journal that do not depend on its place in the chain."""
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


def as_entries(journal_id: str, entries: Sequence[Entry]) -> list[Row]:
    """The rows of a journal's entries, numbered from 1."""
    return [
        {"journal_id": journal_id, "line": n, "account": e.account, "side": e.side,
         "amount": e.amount}
        for n, e in enumerate(entries, start=1)
    ]  # fmt: skip


def store_ends(tx: sa.Connection, journals: Sequence[Row]) -> None:
    """Move the end of each chain to its last journal."""
    last = {row["chain"]: row for row in journals}
    rows = [
        {"name": name, "length": row["seq"], "head": row["hash"], "booked_on": row["booked_on"]}
        for name, row in sorted(last.items())
    ]
    insert_all(tx, chain, rows, _moving)


def _moving(insert: Any) -> Any:
    new = {name: insert.excluded[name] for name in ("length", "head", "booked_on")}
    return insert.on_conflict_do_update(index_elements=["name"], set_=new)


def add_to_balances(tx: sa.Connection, journals: Sequence[Row], entries: Sequence[Row]) -> None:
    """Grow both columns of each account a contract has for itself, in one order for everybody."""
    contract_of = {row["id"]: row["contract_id"] for row in journals}
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for line in entries:
        if not ACCOUNTS[line["account"]].shared:
            name = contract_of[line["journal_id"]], line["account"]
            both = sums.setdefault(name, {"debits": 0, "credits": 0})
            both[f"{line['side']}s"] += line["amount"]
    if not sums:
        return
    rows = [{"contract_id": c, "account": a, **sums[c, a]} for c, a in sorted(sums)]
    insert_all(tx, balance, rows, _growing)


def _growing(insert: Any) -> Any:
    grown = {
        "debits": balance.c.debits + insert.excluded.debits,
        "credits": balance.c.credits + insert.excluded.credits,
    }
    return insert.on_conflict_do_update(index_elements=["contract_id", "account"], set_=grown)
