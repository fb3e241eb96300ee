"""On which days the Federal Reserve moves ACH files.

XFED, not the federal holidays: when a holiday falls on a Saturday the Fed is open that Friday.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays

SATURDAY = 5


def is_banking_day(day: date) -> bool:
    """Neither a weekend nor a holiday of the Federal Reserve."""
    return day.weekday() < SATURDAY and day not in _holidays(day.year)


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.financial_holidays("XFED", years=year))
