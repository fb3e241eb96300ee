"""Reverse and replay: derive what should be booked, book what is different, say what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.domain.bookings import Changes, Posting, changes, postings
from carport.accounts.domain.daily import next_action_on
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Item
from carport.accounts.domain.journal import Journal
from carport.accounts.domain.replay import derive
from carport.accounts.domain.state import State, balance
from carport.accounts.domain.terms import due_date
from carport.accounts.repo import contracts, items
from carport.accounts.repo.books import Books, Line
from carport.accounts.repo.contracts import Contract
from carport.shared import outbox
from carport.shared.events import Event

REMINDER_DAYS = (10, 3, 0)
OWED = frozenset(
    {"principal", "interest_receivable", "fees_receivable", "rental_receivable", "unapplied"}
)
"""Accounts whose sum, debits less credits, is what a customer owes but for accrued interest."""
INNER = frozenset({"allocation", "accrual"})


@dataclass(frozen=True)
class Booked:
    """A contract after its journals were posted, what led to them, and the events that follow."""

    contract: Contract
    derivation: Derivation
    changes: Changes
    said: tuple[Event, ...]

    @property
    def state(self) -> State:
        """Where the contract stands on its open day."""
        return self.derivation.state


def rebook(
    books: Books,
    contract: Contract,
    standing: Sequence[Item],
    *,
    now: datetime,
    facts: Sequence[Journal] = (),
    source_event_id: str | None = None,
) -> Booked:
    """Post *facts* and whatever a replay of the *standing* items of the contract now books
    differently; the contract gets its new version. ``store`` writes all of it."""
    open_day = contract.open_day
    by_now = [item for item in standing if item.effective_on <= open_day]
    derivation = derive(contract.terms, by_now, closed_through=contract.closed_through)
    wanted = postings(derivation, contract_id=contract.id)
    made = book(
        books, contract, wanted, facts=facts, balance_after=balance(derivation.state), now=now,
        source_event_id=source_event_id,
    )  # fmt: skip
    changed = replace(
        contract,
        status=derivation.state.status,
        maturity_date=derivation.state.maturity,
        next_action_on=next_action(contract, derivation.state),
        version=contract.version + 1,
    )
    said = announced(before=contract, after=changed, derivation=derivation, made=made, now=now)
    return Booked(changed, derivation, made, tuple(said))


def rebook_one(tx: sa.Connection, contract: Contract, **more: Any) -> Booked:
    """``rebook`` for one contract the caller has locked, written at once."""
    books = Books(tx, [contract.id])
    standing = items.standing(tx, contract.id, through=contract.open_day)
    booked = rebook(books, contract, standing, **more)
    store(tx, books, [booked])
    return booked


def store(tx: sa.Connection, books: Books, booked: Sequence[Booked]) -> None:
    """Write journals, the last version of each contract, and every event."""
    books.store()
    contracts.store(tx, list({each.contract.id: each.contract for each in booked}.values()))
    outbox.add(tx, *(event for each in booked for event in each.said))


def book(
    books: Books,
    contract: Contract,
    wanted: Sequence[Posting],
    *,
    balance_after: int,
    now: datetime,
    facts: Sequence[Journal] = (),
    source_event_id: str | None = None,
) -> Changes:
    """Post *facts* and the difference between what is booked and what is *wanted*, after which
    *balance_after* is owed."""
    made = changes(
        books.live(contract.id),
        wanted,
        revisions=books.revisions(contract.id),
        contract_id=contract.id,
        booked_on=contract.open_day,
    )
    journals = [(journal, False) for journal in (*facts, *made.reversals)]
    journals += [(journal, True) for journal in made.bookings]
    lines = shown(journals, balance_after)
    books.post(contract, lines, now=now, source_event_id=source_event_id)
    return made


def shown(journals: Sequence[tuple[Journal, bool]], balance_after: int) -> list[Line]:
    """What a customer sees of *journals* (each with whether a replay derived it), in order: the
    balance after the last one is *balance_after*, each earlier one lacks what came later."""
    lines: list[Line] = []
    for journal, is_derived in reversed(journals):
        if is_inner(journal):
            lines.append(Line(journal, is_derived=is_derived))
            continue
        amount = lowers(journal)
        lines.append(Line(journal, amount, balance_after, is_derived=is_derived))
        balance_after += amount
    return lines[::-1]


def is_inner(journal: Journal) -> bool:
    """Whether a journal only moves money between the contract's own accounts."""
    return journal.reference.removeprefix("reversal:").split(":", 1)[0] in INNER


def lowers(booked: Journal | Posting) -> int:
    """Cents by which a journal lowers what the customer owes."""
    owed = (entry for entry in booked.entries if entry.account in OWED)
    return sum(entry.amount if entry.side == "credit" else -entry.amount for entry in owed)


def next_action(contract: Contract, state: State) -> date | None:
    """The next day whose close has work; one that is paid off has its income booked at once."""
    if state.status != "active":
        return contract.open_day
    return next_action_on(
        contract.terms, state, after=contract.closed_through, reminder_days=REMINDER_DAYS
    )


def announced(
    *,
    before: Contract,
    after: Contract,
    derivation: Derivation,
    made: Changes,
    now: datetime,
) -> Iterable[Event]:
    """Late fees that came or went, a change of status, and the new snapshot."""
    yield from _late_fees(after, made, now)
    if before.status != after.status and "paid_off" in (before.status, after.status):
        yield events.status_changed(after, after.status, on=before.open_day, now=now)
    yield events.account_changed(after, derivation.state, now=now)


def _late_fees(contract: Contract, made: Changes, now: datetime) -> Iterable[Event]:
    """Only what is different in the end: a fee that was rebooked with the same amount is not."""
    removed = {_number(j.reverses or ""): j for j in made.reversals if _is_fee(j.reverses or "")}
    assessed = {_number(j.reference): j for j in made.bookings if _is_fee(j.reference)}
    for number in sorted(removed.keys() | assessed.keys()):
        gone, come = removed.get(number), assessed.get(number)
        if gone and come and lowers(gone) == -lowers(come):
            continue
        for journal, is_removed in ((gone, True), (come, False)):
            if journal is not None:
                yield events.late_fee(
                    contract,
                    is_removed=is_removed,
                    now=now,
                    number=number,
                    due_date=due_date(contract.terms, number),
                    amount=abs(lowers(journal)),
                    assessed_on=journal.effective_on,
                    booked_on=journal.booked_on,
                )


def _is_fee(reference: str) -> bool:
    return reference.startswith("late_fee:")


def _number(reference: str) -> int:
    """``late_fee:<contract>:<number>:<revision>``."""
    return int(reference.split(":")[2])
