"""Owns schedules: the level payment, the contract's own schedule and the one still ahead.

A schedule is derived whenever it is asked for and never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple

from carport.accounts.domain import interest, lease
from carport.accounts.domain.delinquency import Instalment
from carport.accounts.domain.state import State
from carport.accounts.domain.terms import LeaseTerms, RetailTerms, Terms, due_dates
from carport.shared.kernel.money import round_half_up


class ScheduleRow(NamedTuple):
    """One instalment in cents; for a lease ``interest`` is rent, ``principal`` depreciation."""

    number: int
    due_date: date
    payment: int
    interest: int
    principal: int
    balance: int
    tax: int = 0


class Position(NamedTuple):
    """Where a loan stands on a day: cents, and interest as a numerator (see `interest`).

    ``given`` is what counted towards the instalments so far; ``collected_from`` the first of
    them that this ledger collects.
    """

    on: date
    principal: int
    accrued: int
    given: int
    collected_from: int = 1


def level_payment(principal: int, annual_rate: Decimal, months: int) -> int:
    """Cents of the level monthly payment ``P r / (1 - (1 + r)^-n)``, r = annual rate / 12."""
    if annual_rate == 0:
        return round_half_up(Decimal(principal) / months)
    with localcontext() as context:
        context.prec = 40
        rate = annual_rate / 12
        return round_half_up(principal * rate / (1 - (1 + rate) ** -months))


def original_schedule(terms: Terms) -> tuple[ScheduleRow, ...]:
    """The schedule as contracted: each instalment paid exactly on its due date.

    The last instalment of a loan pays whatever is left, to the cent.
    """
    if isinstance(terms, LeaseTerms):
        return _rentals(terms)
    start = Position(terms.contract_date, terms.principal, accrued=0, given=0)
    return projected(terms, start)


def _rentals(terms: LeaseTerms) -> tuple[ScheduleRow, ...]:
    dates = due_dates(terms.first_due_date, terms.due_day, terms.term_months)
    return tuple(
        ScheduleRow(
            row.number,
            due,
            terms.payment,
            row.rent,
            row.depreciation,
            row.balance,
            terms.rental_tax,
        )
        for row, due in zip(lease.balance_table(terms), dates, strict=True)
    )


def current_schedule(terms: Terms, state: State) -> tuple[ScheduleRow, ...]:
    """Rows still to be paid from where the contract stands; derived, never stored."""
    if isinstance(terms, LeaseTerms):
        return tuple(_rental(terms, instalment) for instalment in state.instalments
                     if instalment.remaining)  # fmt: skip
    if state.status == "charged_off":
        return ()
    start = Position(state.as_of, state.principal, state.accrued, state.given, terms.first_number)
    return projected(terms, start)


def _rental(terms: LeaseTerms, instalment: Instalment) -> ScheduleRow:
    """A rental still to be paid; those of an extension are all rent and leave the residual."""
    rent, depreciation, balance = terms.base, 0, terms.residual
    if instalment.number <= terms.term_months:
        row = lease.balance_table(terms)[instalment.number - 1]
        rent, depreciation, balance = row.rent, row.depreciation, row.balance
    return ScheduleRow(
        instalment.number,
        instalment.due_date,
        instalment.remaining,
        rent,
        depreciation,
        balance,
        terms.rental_tax,
    )


def projected(terms: RetailTerms, position: Position) -> tuple[ScheduleRow, ...]:
    """Rows still to be paid from *position*: what is past due today, the rest when it falls due.

    What was paid ahead shortens the next rows; extra principal ends the schedule earlier.
    """
    return tuple(
        ScheduleRow(number, due, owed, paid, owed - paid, principal)
        for number, due, owed, paid, principal in to_pay(terms, position)
    )


def to_pay(terms: RetailTerms, position: Position) -> Iterator[tuple[int, date, int, int, int]]:
    """Number, due date, cents, interest among them and principal left after each of these rows.

    Every replay walks through all of them, so this does nothing twice.
    """
    on, principal, accrued, given, first = position
    scale = interest.scale(terms.day_count)
    weight = interest.day_weight(terms.day_count)
    rate = interest.rate_units(terms.annual_rate)
    last, payment, reached = terms.term_months, terms.payment, weight(on)
    dates = due_dates(terms.first_due_date, terms.due_day, last)
    start, twice = max(first, min(given // payment, last - 1) + 1), 2 * scale
    for number, due in enumerate(dates[start - 1 :], start):
        if due > on:
            until = weight(due)
            accrued += principal * rate * (until - reached)
            reached = until
        # `interest.rounded` and `interest.left`, written out: called, they cost as much again.
        earned = (2 * accrued + scale) // twice
        owed = principal + earned
        if number < last and owed > number * payment - given:
            owed = number * payment - given
        paid = earned if earned < owed else owed
        accrued = 0 if paid == earned > 0 else accrued - paid * scale
        principal -= owed - paid
        given += owed
        if owed:
            yield number, due, owed, paid, principal
        if principal == 0 and paid == earned:
            return


def total_interest(rows: Iterable[ScheduleRow]) -> int:
    """Cents of interest in *rows*: total interest of a loan, total rent of a lease."""
    return sum(row.interest for row in rows)
