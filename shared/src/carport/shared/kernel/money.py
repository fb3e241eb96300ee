"""Money as integer cents: the one rounding rule and how an amount is shown to people."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

AMOUNT_MAX = 10**11
"""Cents. No single amount of a vehicle contract comes near a billion dollars."""


def round_half_up(value: Decimal | Fraction | int) -> int:
    """Whole cents nearest to *value* cents; a half goes away from zero (domain rule 2.1)."""
    if isinstance(value, Fraction):
        whole = (abs(value.numerator) * 2 + value.denominator) // (2 * value.denominator)
        return whole if value >= 0 else -whole
    return int(Decimal(value).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def display(amount: int, currency: str = "USD") -> str:
    """*amount* cents for people: ``$1,234.50``, ``-$0.05``; other currencies show their code."""
    sign = "-" if amount < 0 else ""
    whole, cents = divmod(abs(amount), 100)
    mark = "$" if currency == "USD" else f"{currency} "
    return f"{sign}{mark}{whole:,}.{cents:02d}"
