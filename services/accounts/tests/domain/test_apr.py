"""The actuarial annual percentage rate, against Appendix J of Regulation Z (domain guide 2.4)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from carport.accounts.domain.apr import (
    TimedPayment,
    annual_percentage_rate,
    contract_apr,
    first_period,
)

from .builders import day, loan


def level(
    amounts: list[int], *, first: int = 1, fraction: Fraction = Fraction(0)
) -> list[TimedPayment]:
    """*amounts* one unit period apart, the first after *first* periods and a *fraction*."""
    return [TimedPayment(amount, first + k, fraction) for k, amount in enumerate(amounts)]


MONTHLY = 23_000
HALF_MONTH, WEEK = Fraction(6, 15), Fraction(4, 7)
CASES = {
    "(c)(1)(i)": (500_000, level([MONTHLY] * 24), 12, "0.096857"),
    "(c)(1)(iii)": (
        500_000,
        level([21_917] * 24, first=0, fraction=HALF_MONTH),
        24,
        "0.103379",
    ),
    "(c)(1)(v)": (50_000, level([1_760] * 30, first=4, fraction=WEEK), 52, "0.149622"),
    "(c)(2)(i)": (500_000, level([25_000, *[MONTHLY] * 23]), 12, "0.100829"),
    "(c)(3)(i)": (500_000, level([*[MONTHLY] * 23, 28_000]), 12, "0.105005"),
    "(c)(4)(i)": (500_000, level([25_000, *[MONTHLY] * 22, 28_000]), 12, "0.108955"),
    "(c)(5)(ii)": (100_000, [TimedPayment(104_400, 1)], 2, "0.088000"),
}


@pytest.mark.parametrize("paragraph", CASES)
def test_the_examples_of_appendix_j_come_out(paragraph: str) -> None:
    advance, payments, periods_per_year, expected = CASES[paragraph]
    rate = annual_percentage_rate(advance, payments, periods_per_year=periods_per_year)
    assert rate == Decimal(expected)


def test_the_sample_contract_has_6_4848_percent() -> None:
    assert contract_apr(loan()) == Decimal("0.064848")


def test_the_published_loan_with_a_regular_first_period_has_4_6986_percent() -> None:
    payments = level([*[28_101] * 59, 28_045])
    rate = annual_percentage_rate(1_500_000, payments, periods_per_year=12)
    assert round(rate, 6) == Decimal("0.046986")


def test_a_contract_that_costs_nothing_has_zero_percent() -> None:
    assert contract_apr(loan(annual_rate="0")) == Decimal("0.000000")


@pytest.mark.parametrize(
    ("made", "first_due", "months", "odd"),
    [
        ("2025-01-10", "2025-02-24", 1, 14),
        ("2025-01-24", "2025-02-24", 1, 0),
        ("2025-01-31", "2025-02-28", 0, 28),
        ("2025-02-10", "2025-02-24", 0, 14),
        ("2025-01-10", "2025-04-05", 2, 26),
    ],
)
def test_odd_days_remain_when_months_are_counted_back_from_the_first_payment(
    made: str, first_due: str, months: int, odd: int
) -> None:
    assert first_period(day(made), day(first_due)) == (months, Fraction(odd, 30))
