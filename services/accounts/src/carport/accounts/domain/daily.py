"""Owns what the close of a day has to do for a contract, so that the others can be skipped.

Closing day D does the work of D (late fees, the accrual of a month end) and then opens D + 1
(rentals due that day, reminders sent that day).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from carport.accounts.domain.delinquency import Instalment
from carport.accounts.domain.state import State
from carport.accounts.domain.terms import Terms
from carport.shared.kernel.days import month_day

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reminder:
    """Instalment *number*, due in *days_ahead* days, is to be announced."""

    number: int
    due_date: date
    amount: int
    days_ahead: int


@dataclass(frozen=True, slots=True)
class DayWork:
    """Work of one close; ``late_fees`` and ``rentals`` are instalment numbers to derive anew."""

    late_fees: tuple[int, ...] = ()
    rentals: tuple[int, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    accrual: bool = False

    @property
    def needs_replay(self) -> bool:
        """Whether the contract has to be derived anew."""
        return bool(self.late_fees or self.rentals)


def month_end(day: date) -> date:
    """The last day of the month of *day*."""
    return month_day(day.year, day.month, 31)


def day_work(terms: Terms, state: State, *, day: date, reminder_days: Sequence[int]) -> DayWork:
    """What closing *day* and opening the next one must do, by a state of that day or before."""
    fee_due = day - timedelta(days=terms.grace_days) - DAY
    opens, waiting = day + DAY, _unsatisfied(state)
    return DayWork(
        late_fees=tuple(i.number for i in _untimely(terms, state) if i.due_date == fee_due),
        rentals=tuple(i.number for i in _to_bill(terms, state) if i.due_date == opens),
        reminders=tuple(
            Reminder(i.number, i.due_date, i.remaining, ahead)
            for i in waiting
            for ahead in reminder_days
            if i.remaining and i.due_date - timedelta(days=ahead) == opens
        ),
        accrual=day == month_end(day) and _accrues(terms, state),
    )


def next_action_on(
    terms: Terms, state: State, *, after: date, reminder_days: Sequence[int]
) -> date | None:
    """The earliest day later than *after* whose close has work; None when none ever has."""
    days = [
        month_end(after + DAY) if _accrues(terms, state) else None,
        _first(_to_bill(terms, state), -DAY, after),
        _first(_untimely(terms, state), timedelta(days=terms.grace_days) + DAY, after),
    ]
    for ahead in reminder_days:
        unpaid = (i for i in _unsatisfied(state) if i.remaining)
        days.append(_first(unpaid, -timedelta(days=ahead) - DAY, after))
    return min(filter(None, days), default=None)


def _first(instalments: Iterable[Instalment], later: timedelta, after: date) -> date | None:
    """The first of the days *later* than a due date that is after *after*: they come in order."""
    bound = after - later
    return next((i.due_date + later for i in instalments if i.due_date > bound), None)


def _accrues(terms: Terms, state: State) -> bool:
    """A loan earned interest in the month also when only fees are left of it."""
    return terms.product == "retail" and state.status == "active"


def _unsatisfied(state: State) -> Iterator[Instalment]:
    return (i for i in state.instalments if i.satisfied_on is None)


def _untimely(terms: Terms, state: State) -> Iterator[Instalment]:
    """Instalments for which a late fee may fall due: not satisfied within grace. One paid on the
    very day of the fee is among them."""
    grace = timedelta(days=terms.grace_days)
    for i in state.instalments if terms.late_fee else ():
        if i.satisfied_on is None or i.satisfied_on > i.due_date + grace:
            yield i


def _to_bill(terms: Terms, state: State) -> Iterator[Instalment]:
    """Rentals of a lease that are not billed yet."""
    for i in state.instalments if terms.product == "lease" else ():
        if i.number > state.rentals_billed:
            yield i
