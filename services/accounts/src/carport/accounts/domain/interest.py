"""Owns day counts and simple daily interest (domain rule 2.1), in exact integers.

Interest is an integer numerator over `scale`: balance x rate x day weight. Every day count is the
difference of a running day number, so a period may be cut anywhere without changing its interest.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from carport.accounts.domain.terms import DayCount

RATE_DECIMALS: Final = 6
RATE_SCALE: Final = 10**RATE_DECIMALS
FOUR_PLACES: Final = Decimal("0.0001")


def _thirty_360(day: date) -> int:
    return day.year * 360 + day.month * 30 + min(day.day, 30)


def _actual_actual(day: date) -> int:
    passed = day.toordinal() - date(day.year, 1, 1).toordinal()
    return day.year * 365 * 366 + passed * (365 if isleap(day.year) else 366)


_WEIGHT: Final[dict[DayCount, Callable[[date], int]]] = {
    "actual/365": date.toordinal,
    "actual/360": date.toordinal,
    "30/360": _thirty_360,
    "actual/actual": _actual_actual,
}
_BASE: Final[dict[DayCount, int]] = {
    "actual/365": 365,
    "actual/360": 360,
    "30/360": 360,
    "actual/actual": 365 * 366,
}


def scale(day_count: DayCount) -> int:
    """Denominator of interest numerators, per cent of money."""
    return RATE_SCALE * _BASE[day_count]


def day_weight(day_count: DayCount) -> Callable[[date], int]:
    """The running day number of a day count; a period weighs the difference of its ends."""
    return _WEIGHT[day_count]


def rate_units(annual_rate: Decimal) -> int:
    """The rate in millionths; terms admit no more than `RATE_DECIMALS` places."""
    return int(annual_rate.scaleb(RATE_DECIMALS))


def rounded(numerator: int, denominator: int) -> int:
    """Whole cents of a non-negative numerator, half up (the kernel's rule, in integers)."""
    return (2 * numerator + denominator) // (2 * denominator)


def left(accrued: int, paid: int, *, scale: int) -> int:
    """Numerator left when *paid* cents of an accrual are posted.

    A payment that takes all of it settles it: the fraction of a cent below or above is dropped.
    A smaller one leaves the exact rest, so it does not matter how a day's money is split.
    """
    return 0 if paid and paid == rounded(accrued, scale) else accrued - paid * scale


def interest_for(
    principal: int, annual_rate: Decimal, start: date, end: date, *, day_count: DayCount
) -> Fraction:
    """Exact cents of interest from *start* (inclusive) to *end* (exclusive)."""
    weight = _WEIGHT[day_count]
    numerator = principal * rate_units(annual_rate) * (weight(end) - weight(start))
    return Fraction(numerator, scale(day_count))


def accrued_at(
    accrued: int,
    *,
    principal: int,
    annual_rate: Decimal,
    day_count: DayCount,
    since: date,
    on: date,
) -> int:
    """Numerator accrued on *on*, from the *accrued* one as of *since*, the balance unchanged."""
    weight = _WEIGHT[day_count]
    return accrued + principal * rate_units(annual_rate) * (weight(on) - weight(since))


def per_diem(principal: int, annual_rate: Decimal, on: date, *, day_count: DayCount) -> Decimal:
    """Interest of one day in currency units with 4 places, to be shown, never multiplied (2.5)."""
    year = 366 if isleap(on.year) else 365
    base = year if day_count == "actual/actual" else _BASE[day_count]
    return (principal * annual_rate / base / 100).quantize(FOUR_PLACES, rounding=ROUND_HALF_UP)


class Span(NamedTuple):
    """A stretch of days, *end* exclusive, through which *balance* cents bore interest."""

    start: date
    end: date
    balance: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of an explanation: ``balance x annual_rate x days / basis`` cents, exact."""

    start: date
    end: date
    balance: int
    days: int
    basis: int
    annual_rate: Decimal
    interest: Fraction


def explain(span: Span, annual_rate: Decimal, *, day_count: DayCount) -> tuple[Segment, ...]:
    """*span* as lines of days x balance x rate; actual/actual is cut where the year changes."""
    cuts = [span.start, span.end]
    if day_count == "actual/actual":
        years = range(span.start.year + 1, span.end.year + 1)
        cuts = sorted({*cuts, *(date(year, 1, 1) for year in years)})
    return tuple(
        _segment(start, end, span.balance, annual_rate, day_count) for start, end in pairwise(cuts)
    )


def _segment(
    start: date, end: date, balance: int, annual_rate: Decimal, day_count: DayCount
) -> Segment:
    days, basis = (end - start).days, _BASE[day_count]
    if day_count == "30/360":
        days = _thirty_360(end) - _thirty_360(start)
    if day_count == "actual/actual":
        basis = 366 if isleap(start.year) else 365
    exact = interest_for(balance, annual_rate, start, end, day_count=day_count)
    return Segment(start, end, balance, days, basis, annual_rate, exact)


def next_day(day: date) -> date:
    """The calendar day after *day*."""
    return day + timedelta(days=1)
