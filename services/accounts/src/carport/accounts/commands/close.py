"""The close of one contract's day: late fees, income of the month, then the next day's rentals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.rebook import (
    REMINDER_DAYS,
    announced,
    book,
    lowers,
    next_action,
)
from carport.accounts.domain.bookings import Changes, accrual, interest_earned, postings
from carport.accounts.domain.daily import DayWork, day_work
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Item
from carport.accounts.domain.replay import derive
from carport.accounts.domain.state import State, balance
from carport.accounts.repo import contracts, items, ledger
from carport.accounts.repo.books import Books, Line
from carport.accounts.repo.contracts import Contract
from carport.shared import outbox
from carport.shared.events import Event

DAY = timedelta(days=1)


def close_contracts(tx: sa.Connection, found: Sequence[Contract], day: date, now: datetime) -> None:
    """Close *day*, their open day, for contracts the caller has locked."""
    ids = [contract.id for contract in found]
    books, facts = Books(tx, ids), items.standing_of(tx, ids, through=day)
    closed = [close_contract(tx, books, contract, facts[contract.id], now) for contract in found]
    books.store()
    contracts.store(tx, [contract for contract, _ in closed])
    outbox.add(tx, *(event for _, said in closed for event in said))


def close_contract(
    tx: sa.Connection, books: Books, contract: Contract, standing: Sequence[Item], now: datetime
) -> tuple[Contract, list[Event]]:
    """The contract with its open day closed and the events of it, to be stored with the books.

    What belongs to the day is booked on it before it is closed; rentals that fall due and
    reminders belong to the day that opens. A day on which only time passes needs no replay.
    """
    day, terms = contract.open_day, contract.terms
    derivation = derive(terms, standing, closed_through=contract.closed_through)
    work = day_work(terms, derivation.state, day=day, reminder_days=REMINDER_DAYS)
    made: Changes | None = None
    if work.needs_replay:
        derivation = derive(terms, standing, closed_through=day)
        made = book_both_days(books, contract, derivation, now)
    if work.accrual or derivation.state.status != "active":
        book_income(tx, books, contract, derivation.state, now)
    closed = _closed(contract, derivation.state, is_changed=made is not None)
    said = reminders(closed, work, now)
    if made is not None:
        said += announced(before=contract, after=closed, derivation=derivation, made=made, now=now)
    return closed, said


def book_both_days(
    books: Books, contract: Contract, derivation: Derivation, now: datetime
) -> Changes | None:
    """Book what the replay finds for the day that closes, then for the one that opens; None when
    that is nothing."""
    day = contract.open_day
    wanted = postings(derivation, contract_id=contract.id)
    today = [posting for posting in wanted if posting.effective_on <= day]
    owed = balance(derivation.state)
    before = owed + sum(lowers(posting) for posting in wanted if posting.effective_on > day)
    made = [book(books, contract, today, balance_after=before, now=now)]
    if len(today) < len(wanted):
        opened = replace(contract, closed_through=day)
        made.append(book(books, opened, wanted, balance_after=owed, now=now))
    return merged(made)


def merged(made: Sequence[Changes]) -> Changes | None:
    """All *made* as one; None when nothing was."""
    reversals = tuple(journal for part in made for journal in part.reversals)
    bookings = tuple(journal for part in made for journal in part.bookings)
    return Changes(reversals, bookings) if reversals or bookings else None


def book_income(
    tx: sa.Connection, books: Books, contract: Contract, state: State, now: datetime
) -> None:
    """Book interest earned through the open day, less the income booked before (decision 8)."""
    day = contract.open_day
    earned = interest_earned(contract.terms, state, on=day + DAY)
    booked = ledger.booked(tx, contract.id, "interest_income")
    journal = accrual(contract_id=contract.id, on=day, earned=earned, booked=booked)
    if journal is not None:
        books.post(contract, [Line(journal)], now=now)


def reminders(contract: Contract, work: DayWork, now: datetime) -> list[Event]:
    """What falls due soon."""
    return [
        events.payment_due(
            contract,
            now=now,
            number=due.number,
            amount=due.amount,
            due_date=due.due_date,
            days_ahead=due.days_ahead,
        )
        for due in work.reminders
    ]


def _closed(contract: Contract, state: State, *, is_changed: bool) -> Contract:
    """The contract on its next day; a new version only when more than time has passed."""
    opened = replace(contract, closed_through=contract.open_day)
    return replace(
        opened,
        status=state.status,
        maturity_date=state.maturity,
        version=contract.version + is_changed,
        next_action_on=next_action(opened, state) if state.status == "active" else None,
    )
