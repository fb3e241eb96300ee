"""Miles a lease allows."""

from __future__ import annotations

from fractions import Fraction

from carport.shared.kernel.money import round_half_up


def term_allowance(annual_allowance: int, term_months: int) -> int:
    """Miles allowed over *term_months*, pro rata by month, rounded half up (domain rule 2.6)."""
    return round_half_up(Fraction(annual_allowance * term_months, 12))
