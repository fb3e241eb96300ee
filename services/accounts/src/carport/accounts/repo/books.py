"""The ledgers of contracts a transaction has locked: read at once, added to in memory, stored at
once, so that a batch costs as many statements as one posting.

Every journal is checked once more when it is added: balanced, of its contract, on an open day.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from carport.accounts.domain.bookings import Live
from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.domain.journal import Entry, Journal
from carport.accounts.repo.contracts import Contract
from carport.accounts.repo.ledger import GENESIS, derived_of, digest
from carport.accounts.tables import balance, chain, derived, entry, journal
from carport.shared.kernel.ids import new_id
from carport.shared.rows import Ending, given, insert_all, insertion

Row = dict[str, Any]
Shape = tuple[sa.Table, tuple[str, ...], Ending | None]
ENDS = (
    sa.select(chain.c.name, chain.c.length, chain.c.head)
    .where(chain.c.name.in_(sa.bindparam("names", expanding=True)))
    .with_for_update()
)


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


class Part(NamedTuple):
    """Rows for a table, and how their INSERT ends."""

    into: sa.Table
    rows: Sequence[Row]
    ending: Ending | None = None


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
        if self._undone:
            # Before the inserts: a reversal frees the key for its next revision.
            undone = derived.update().where(derived.c.journal_id.in_(self._undone))
            self._tx.execute(undone.values(is_reversed=True))
        parts = (
            Part(journal, self._journals),
            Part(entry, self._entries),
            Part(chain, ends(self._journals), _moving),
            Part(balance, grown(self._journals, self._entries), _growing),
            Part(derived, list(self._derived.values())),
        )
        insert_parts(self._tx, [part for part in parts if part.rows])
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
    for name, length, head in tx.execute(ENDS, {"names": contract_ids}):
        pages[name].length, pages[name].head = length, head
    for contract_id, booked in derived_of(tx, contract_ids).items():
        page = pages[contract_id]
        page.live = {live.reference: live for live in booked.live.values()}
        page.ids = {live.reference: journal_id for journal_id, live in booked.live.items()}
        page.revisions = booked.revisions
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


def insert_parts(tx: sa.Connection, parts: Sequence[Part]) -> None:
    """INSERT all *parts*: one statement for PostgreSQL, which looks at references after it."""
    if tx.dialect.name == "sqlite":
        for part in parts:
            insert_all(tx, *part)
        return
    shapes = tuple((part.into, tuple(part.rows[0]), part.ending) for part in parts)
    texts = [given(tx, part.into, part.rows) for part in parts]
    tx.execute(_together(tx.dialect.name, shapes), ChainMap(*texts))


@cache
def _together(dialect: str, shapes: tuple[Shape, ...]) -> Any:
    first, *rest = (insertion(dialect, *shape) for shape in shapes)
    return first.add_cte(*(each.cte(f"part_{n}") for n, each in enumerate(rest)))


def ends(journals: Sequence[Row]) -> list[Row]:
    """The ends of the chains, each at its last journal."""
    last = {row["chain"]: row for row in journals}
    return [
        {"name": name, "length": row["seq"], "head": row["hash"], "booked_on": row["booked_on"]}
        for name, row in sorted(last.items())
    ]


def _moving(insert: Any) -> Any:
    new = {name: insert.excluded[name] for name in ("length", "head", "booked_on")}
    return insert.on_conflict_do_update(index_elements=["name"], set_=new)


def grown(journals: Sequence[Row], entries: Sequence[Row]) -> list[Row]:
    """What each account a contract has for itself grows by, in one order for everybody."""
    contract_of = {row["id"]: row["contract_id"] for row in journals}
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for line in entries:
        if not ACCOUNTS[line["account"]].shared:
            name = contract_of[line["journal_id"]], line["account"]
            both = sums.setdefault(name, {"debits": 0, "credits": 0})
            both[f"{line['side']}s"] += line["amount"]
    return [{"contract_id": c, "account": a, **sums[c, a]} for c, a in sorted(sums)]


def _growing(insert: Any) -> Any:
    more = {
        "debits": balance.c.debits + insert.excluded.debits,
        "credits": balance.c.credits + insert.excluded.credits,
    }
    return insert.on_conflict_do_update(index_elements=["contract_id", "account"], set_=more)
