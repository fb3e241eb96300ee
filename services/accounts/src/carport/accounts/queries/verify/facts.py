"""Whether the ledger says what follows from the facts: receipts, allocations, a replay, income."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.bookings import Live, changes, interest_earned, postings
from carport.accounts.domain.daily import month_end
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Item, ItemOutsideContract
from carport.accounts.domain.journal import JournalRefused
from carport.accounts.domain.replay import derive
from carport.accounts.repo import contracts, items, ledger
from carport.accounts.repo.contracts import Contract
from carport.accounts.tables import contract, derived, entry, item, journal
from carport.shared import inbox
from carport.shared.checks import Check, stream

BATCH = 100
"""Contracts whose rows are held at once."""
DAY = timedelta(days=1)
KEY_STARTS = len("allocation:") + 1
ID_LENGTH = 36
Unfit = (ItemOutsideContract, JournalRefused)
REPLAY = (
    "Compare the contract's transactions with its items; the next fact that comes in for it books "
    "the difference by itself. If no release changed the rules, somebody wrote to the tables."
)


def unlike_receipts(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Payments without one receipt of their cents and day, reversed as they are; receipts of
    nothing."""
    undone = journal.alias("undone")
    same = sa.and_(
        journal.c.reference == "payment:" + item.c.id,
        journal.c.amount == item.c.amount,
        journal.c.effective_on == item.c.effective_on,
        journal.c.contract_id == item.c.contract_id,
    )
    query = (
        sa.select(item.c.id)
        .outerjoin(journal, same)
        .outerjoin(undone, undone.c.reverses_id == journal.c.id)
        .where(item.c.kind == "payment")
        .where(sa.or_(journal.c.id.is_(None),
                      undone.c.id.is_(None) != item.c.reversed_at.is_(None)))
    )  # fmt: skip
    for row in stream(tx, query):
        yield f"the receipt of payment {row.id} does not agree with the payment"
    of_nothing = ~sa.exists().where(journal.c.reference == "payment:" + item.c.id)
    query = sa.select(journal.c.id, journal.c.reference).where(journal.c.kind == "payment")
    for row in stream(tx, query.where(of_nothing)):
        yield f"journal {row.id} is a receipt of {row.reference}, which is not among the facts"


def unasked(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Payments that no event which came in has asked for."""
    came = sa.exists().where(inbox.inbox.c.event_id == item.c.source_event_id)
    query = sa.select(item.c.id, item.c.source_event_id).where(
        item.c.kind == "payment", item.c.recorded_at >= _first_received(tx), ~came
    )
    for row in stream(tx, query):
        yield f"payment {row.id} was posted for event {row.source_event_id}, which never came in"


def _first_received(tx: sa.Connection) -> sa.ScalarSelect[datetime]:
    return sa.select(sa.func.min(inbox.inbox.c.received_at)).scalar_subquery()


def overspent(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Payments of which more is allocated than came in, and allocations of none that stands."""
    payment_id = sa.func.substr(derived.c.key, KEY_STARTS, ID_LENGTH)
    spent = (
        sa.select(payment_id.label("id"), sa.func.sum(entry.c.amount).label("cents"))
        .join(entry, entry.c.journal_id == derived.c.journal_id)
        .where(derived.c.key.startswith("allocation:"), derived.c.is_reversed.is_(sa.false()))
        .where(entry.c.account == "unapplied", entry.c.side == "debit")
        .group_by(payment_id)
        .subquery()
    )
    query = sa.select(spent, item.c.amount).outerjoin(
        item, sa.and_(item.c.id == spent.c.id, item.c.reversed_at.is_(None))
    )
    is_wrong = sa.or_(item.c.id.is_(None), spent.c.cents > item.c.amount)
    for row in stream(tx, query.where(is_wrong)):
        yield f"{row.cents} cents are allocated of payment {row.id}, which brought {row.amount}"


@dataclass
class Facts:
    """Everything stored of one contract that a replay needs."""

    contract: Contract
    items: list[tuple[Item, bool]] = field(default_factory=list)
    receipts: dict[str, tuple[date, date | None]] = field(default_factory=dict)
    income: list[tuple[date, int]] = field(default_factory=list)

    def standing(self) -> list[Item]:
        """What stands now."""
        day = self.contract.open_day
        return [one for one, is_reversed in self.items
                if not is_reversed and one.effective_on <= day]  # fmt: skip

    def known(self, day: date) -> list[Item]:
        """What stood when *day* was closed: posted by then, and not reversed by then."""
        return [one for one, is_reversed in self.items
                if self._stood(one, is_reversed, day)]  # fmt: skip

    def _stood(self, one: Item, is_reversed: bool, day: date) -> bool:
        booked, undone = self.receipts.get(one.id, (one.effective_on, None))
        if one.id not in self.receipts and is_reversed:
            return False
        return one.effective_on <= day and booked <= day and (undone is None or undone > day)


def replays(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """What a replay of each contract would book, and contracts that do not stand where it ends."""
    for batch in batches(tx):
        booked = ledger.derived_of(tx, list(batch))
        for facts in batch.values():
            try:
                yield from replayed(facts, list(booked[facts.contract.id].live.values()))
            except Unfit as error:
                yield f"{facts.contract.id} cannot be derived: {error}"


def replayed(facts: Facts, booked: Sequence[Live]) -> Iterator[str]:
    """What a replay of the contract would book now."""
    one = facts.contract
    derivation: Derivation = derive(one.terms, facts.standing(), closed_through=one.closed_through)
    wanted = postings(derivation, contract_id=one.id)
    made = changes(booked, wanted, revisions={}, contract_id=one.id, booked_on=one.open_day)
    for part in (*made.reversals, *made.bookings):
        yield f"a replay of {one.id} would book {part.reference}"
    if one.status != derivation.state.status:
        yield f"{one.id} is {one.status}, a replay ends {derivation.state.status}"


def incomes(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Loans whose booked interest is not what was earned when it was last booked."""
    for batch in batches(tx, contract.c.product == "retail"):
        for facts in batch.values():
            try:
                yield from misbooked(facts)
            except Unfit as error:
                yield f"{facts.contract.id} cannot be derived: {error}"


def misbooked(facts: Facts) -> Iterator[str]:
    """Income is booked at month end, and at the close of the day that settled the contract."""
    one, last = facts.contract, facts.contract.closed_through
    points = [month_end(last) if month_end(last) == last else last.replace(day=1) - DAY]
    if one.status != "active":
        points.insert(0, last)
    for day in points:
        if not facts.income or day < min(on for on, _ in facts.income):
            return
        derivation = derive(one.terms, facts.known(day), closed_through=day)
        if day != points[-1] and derivation.state.status == "active":
            continue
        earned = interest_earned(one.terms, derivation.state, on=day + DAY)
        booked = sum(cents for on, cents in facts.income if on <= day)
        if earned != booked:
            yield f"{one.id} had {booked} of interest income at the close of {day}, earned {earned}"
        return


def batches(
    tx: sa.Connection, wanted: sa.ColumnElement[bool] | None = None
) -> Iterator[Mapping[str, Facts]]:
    """All contracts, or those *wanted*, some at a time."""
    last = ""
    while True:
        query = sa.select(contract.c.id).where(contract.c.id > last)
        query = query if wanted is None else query.where(wanted)
        ids = list(tx.execute(query.order_by(contract.c.id).limit(BATCH)).scalars())
        if not ids:
            return
        last = ids[-1]
        yield load(tx, ids)


def load(tx: sa.Connection, ids: Sequence[str]) -> dict[str, Facts]:
    """The facts of the contracts *ids*."""
    found = {one.id: Facts(one) for one in contracts.many(tx, ids)}
    rows = sa.select(item).where(item.c.contract_id.in_(ids)).order_by(item.c.id)
    for kept in tx.execute(rows).mappings():
        found[kept["contract_id"]].items.append((items.fact(kept), kept["reversed_at"] is not None))
    undone = journal.alias("undone")
    receipts = (
        sa.select(journal.c.contract_id, journal.c.reference, journal.c.booked_on,
                  undone.c.booked_on.label("undone_on"))
        .outerjoin(undone, undone.c.reverses_id == journal.c.id)
        .where(journal.c.contract_id.in_(ids), journal.c.kind == "payment")
    )  # fmt: skip
    for row in tx.execute(receipts):
        payment_id = row.reference.partition(":")[2]
        found[row.contract_id].receipts[payment_id] = (row.booked_on, row.undone_on)
    for contract_id, day, cents in tx.execute(_income(ids)):
        found[contract_id].income.append((day, cents))
    return found


def _income(ids: Sequence[str]) -> sa.Select[Any]:
    """By contract and day, also of 0 on the day it came onto the books: none is booked before."""
    is_income = entry.c.account == "interest_income"
    signed = sa.case((entry.c.side == "credit", entry.c.amount), else_=-entry.c.amount)
    cents = sa.func.sum(sa.case((is_income, signed), else_=0)).label("cents")
    return (
        sa.select(journal.c.contract_id, journal.c.booked_on, cents)
        .join(entry, entry.c.journal_id == journal.c.id)
        .where(journal.c.contract_id.in_(ids))
        .where(sa.or_(is_income, journal.c.kind == "boarding"))
        .group_by(journal.c.contract_id, journal.c.booked_on)
    )


CHECKS = (
    Check("I-10", "Every payment on the books has exactly one receipt of its cents, day and "
          "contract, reversed exactly when the payment was taken back.", "The receipt and the "
          "fact commit together: somebody wrote to the tables. Compare with payments' list, which "
          "the I-10 check over both databases names.", unlike_receipts),
    Check("I-11", "Every payment was posted for an event that came in.", "Find out who posted it: "
          "nobody asked for this payment.", unasked),
    Check("I-23", "No payment is allocated beyond its cents, and none that was taken back is "
          "allocated.", REPLAY, overspent),
    Check("I-24", "A replay of every contract from its terms and facts books nothing, and ends "
          "where the contract stands.", REPLAY, replays),
    Check("I-24", "Booked interest income is what the facts known at the last month end, or at the "
          "close that settled the contract, had earned by then.", "The next month end books the "
          "difference. Recompute the month's general ledger; if no release changed the rules, "
          "somebody wrote to the tables.", incomes),
)  # fmt: skip
