"""The one rounding rule, exact whatever the size, and how an amount is shown."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from carport.shared.kernel.money import AMOUNT_MAX, display, round_half_up

HALVES = [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-1.5", -2), ("-2.5", -3)]
NEIGHBOURS = [("0", 0), ("0.4999999999999999999999", 0), ("0.5000000000000000000001", 1),
              ("1.005", 1), ("-0.4999999999999999999999", 0), ("17", 17)]  # fmt: skip


@pytest.mark.parametrize("kind", [Decimal, Fraction])
@pytest.mark.parametrize(("value", "cents"), HALVES + NEIGHBOURS)
def test_half_a_cent_goes_away_from_zero_and_nothing_else_does(kind, value, cents):
    assert round_half_up(kind(value)) == cents


@pytest.mark.parametrize("kind", [Decimal, Fraction, int])
def test_no_cent_is_lost_where_a_float_would_lose_it(kind):
    assert round_half_up(kind(2**53 + 1)) == 2**53 + 1


@pytest.mark.parametrize("kind", [Decimal, Fraction])
def test_the_largest_amount_and_a_half_is_a_cent_more(kind):
    assert round_half_up(kind(AMOUNT_MAX) + kind("0.5")) == AMOUNT_MAX + 1


def test_an_amount_is_shown_in_dollars_or_with_its_code():
    assert [display(cents) for cents in (0, 5, -5, 123450)] == [
        "$0.00", "$0.05", "-$0.05", "$1,234.50"]  # fmt: skip
    assert display(-123450, "EUR") == "-EUR 1,234.50"
