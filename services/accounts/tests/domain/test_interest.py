"""Simple daily interest, against the worked numbers A1 to A6 and P1 of the domain guide."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from carport.accounts.domain.interest import (
    Span,
    day_weight,
    explain,
    interest_for,
    left,
    per_diem,
    rounded,
    scale,
)
from carport.accounts.domain.terms import DAY_COUNTS, DayCount
from carport.shared.kernel.money import round_half_up
from hypothesis import given
from hypothesis import strategies as st

DATES = st.dates(date(2023, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("day_count", "start", "end", "cents"),
    [
        ("actual/365", date(2025, 4, 1), date(2025, 5, 1), 12_308),
        ("actual/actual", date(2024, 4, 1), date(2024, 5, 1), 12_275),
        ("actual/actual", date(2025, 4, 1), date(2025, 5, 1), 12_308),
        ("30/360", date(2025, 4, 1), date(2025, 5, 1), 12_479),
        ("actual/360", date(2025, 4, 1), date(2025, 5, 1), 12_479),
    ],
)
def test_thirty_days_of_25_000_at_5_99_percent_by_day_count_a1(
    day_count: DayCount, start: date, end: date, cents: int
) -> None:
    exact = interest_for(2_500_000, Decimal("0.0599"), start, end, day_count=day_count)
    assert round_half_up(exact) == cents


@pytest.mark.parametrize(
    ("principal", "rate", "days", "cents"),
    [
        (500_000, "0.12", 30, 4_932),
        (253_931, "0.12", 28, 2_338),
        (17_100_000, "0.17", 1, 7_964),
        (17_100_000, "0.17", 2, 15_929),
        (16_730_028, "0.17", 1, 7_792),
        (250_000_000, "0.19", 31, 4_034_247),
    ],
    ids=["A2", "A3", "A4", "A4, two days", "A5", "A6"],
)
def test_actual_365_reproduces_the_published_figures(
    principal: int, rate: str, days: int, cents: int
) -> None:
    start = date(2022, 11, 1)
    end = start + timedelta(days=days)
    exact = interest_for(principal, Decimal(rate), start, end, day_count="actual/365")
    assert round_half_up(exact) == cents


def test_a_day_of_28_788_18_at_6_49_percent_is_shown_as_5_1188_p1() -> None:
    rate, on = Decimal("0.0649"), date(2025, 5, 5)
    assert per_diem(2_878_818, rate, on, day_count="actual/365") == Decimal("5.1188")


def test_a_day_of_a_leap_year_is_a_366th_by_actual_actual() -> None:
    rate = Decimal("0.0599")
    common = per_diem(2_500_000, rate, date(2025, 3, 31), day_count="actual/actual")
    leap = per_diem(2_500_000, rate, date(2024, 3, 31), day_count="actual/actual")
    assert (common, leap) == (Decimal("4.1027"), Decimal("4.0915"))


@given(st.sampled_from(DAY_COUNTS), DATES, DATES, DATES)
def test_cutting_a_period_anywhere_changes_no_interest(
    day_count: DayCount, first: date, second: date, third: date
) -> None:
    start, cut, end = sorted((first, second, third))
    rate = Decimal("0.0649")
    whole = interest_for(2_500_000, rate, start, end, day_count=day_count)
    before = interest_for(2_500_000, rate, start, cut, day_count=day_count)
    after = interest_for(2_500_000, rate, cut, end, day_count=day_count)
    assert before + after == whole


@given(st.sampled_from(DAY_COUNTS), DATES, st.integers(0, 800))
def test_an_explanation_adds_up_to_the_interest_it_explains(
    day_count: DayCount, start: date, days: int
) -> None:
    end, rate = start + timedelta(days=days), Decimal("0.0649")
    lines = explain(Span(start, end, 2_500_000), rate, day_count=day_count)
    whole = interest_for(2_500_000, rate, start, end, day_count=day_count)
    assert sum(line.interest for line in lines) == whole
    for line in lines:
        assert line.interest == exact_product(line.balance, rate, line.days, line.basis)


def exact_product(balance: int, rate: Decimal, days: int, basis: int) -> Fraction:
    """days x balance x rate over the basis, exact."""
    numerator, denominator = rate.as_integer_ratio()
    return Fraction(balance * days * numerator, basis * denominator)


def test_a_year_is_as_long_as_its_day_count_says() -> None:
    ends = {count: day_weight(count) for count in DAY_COUNTS}
    leap = {
        count: weight(date(2025, 1, 1)) - weight(date(2024, 1, 1)) for count, weight in ends.items()
    }
    assert leap == {
        "actual/365": 366,
        "actual/360": 366,
        "30/360": 360,
        "actual/actual": 365 * 366,
    }


def test_half_a_cent_rounds_up() -> None:
    assert [rounded(n, 10) for n in (4, 5, 14, 15)] == [0, 1, 1, 2]


def test_paying_all_of_an_accrual_drops_its_fraction_and_paying_part_keeps_it() -> None:
    hundredths = scale("actual/365")
    accrued = 100 * hundredths + hundredths // 3
    assert left(accrued, 100, scale=hundredths) == 0
    assert left(accrued, 40, scale=hundredths) == 60 * hundredths + hundredths // 3
    assert left(hundredths // 3, 0, scale=hundredths) == hundredths // 3
