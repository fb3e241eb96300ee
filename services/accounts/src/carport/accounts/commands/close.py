"""The close of one contract's day: late fees, income of the month, then the next day's rentals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.rebook import (
    REMINDER_DAYS,
    announce,
    book,
    lowers,
    next_action,
    store,
)
from carport.accounts.domain.bookings import Changes, accrual, interest_earned, postings
from carport.accounts.domain.daily import day_work
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.replay import derive
from carport.accounts.domain.state import balance
from carport.accounts.repo import contracts, items, ledger
from carport.accounts.repo.contracts import Contract
from carport.accounts.repo.ledger import Line
from carport.shared import outbox

DAY = timedelta(days=1)


def close_contract(tx: sa.Connection, contract: Contract, now: datetime) -> Contract:
    """Close the open day of *contract*, locked by the caller, and open the next one.

    What belongs to the day is booked on it before it is closed; rentals that fall due and
    reminders belong to the day that opens.
    """
    day = contract.open_day
    standing = items.standing(tx, contract.id, through=day)
    derivation = derive(contract.terms, standing, closed_through=day)
    work = day_work(contract.terms, derivation.state, day=day, reminder_days=REMINDER_DAYS)
    wanted = postings(derivation, contract_id=contract.id)
    today = [posting for posting in wanted if posting.effective_on <= day]
    owed = balance(derivation.state)
    before = owed + sum(lowers(posting) for posting in wanted if posting.effective_on > day)
    made = [book(tx, contract, today, balance_after=before, now=now)]
    if work.accrual or derivation.state.status != "active":
        book_income(tx, contract, derivation, now)
    contracts.update(tx, contract.id, closed_through=day)
    opened = replace(contract, closed_through=day)
    if len(today) < len(wanted):
        made.append(book(tx, opened, wanted, balance_after=owed, now=now))
    for reminder in work.reminders:
        due = {name: getattr(reminder, name) for name in reminder.__dataclass_fields__}
        outbox.add(tx, events.payment_due(opened, now=now, **due))
    return _store(tx, contract, opened, derivation, made=merged(made), now=now)


def merged(made: Sequence[Changes]) -> Changes:
    """All *made* as one."""
    return Changes(
        tuple(journal for part in made for journal in part.reversals),
        tuple(journal for part in made for journal in part.bookings),
    )


def _store(
    tx: sa.Connection,
    before: Contract,
    opened: Contract,
    derivation: Derivation,
    *,
    made: Changes,
    now: datetime,
) -> Contract:
    """Store the contract; a new version and its events only when more than time has passed."""
    is_changed = bool(made.reversals or made.bookings)
    state = derivation.state
    after = replace(
        opened,
        status=state.status,
        maturity_date=state.maturity,
        version=before.version + is_changed,
        next_action_on=next_action(opened, state) if state.status == "active" else None,
    )
    store(tx, after)
    if is_changed:
        announce(tx, before=before, after=after, derivation=derivation, made=made, now=now)
    return after


def book_income(
    tx: sa.Connection, contract: Contract, derivation: Derivation, now: datetime
) -> None:
    """Book interest earned through the open day, less the income booked before (decision 8)."""
    day = contract.open_day
    earned = interest_earned(contract.terms, derivation.state, on=day + DAY)
    booked = ledger.booked(tx, contract.id, "interest_income")
    journal = accrual(contract_id=contract.id, on=day, earned=earned, booked=booked)
    if journal is not None:
        ledger.post(tx, contract, [Line(journal)], now=now)
