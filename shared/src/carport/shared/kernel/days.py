"""Calendar days as ISO text and due days that never drift."""

from __future__ import annotations

import calendar
import re
from datetime import date

DAY_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_day(text: object) -> date:
    """``YYYY-MM-DD`` and nothing else (``date.fromisoformat`` also takes week dates).

    Raises ValueError.
    """
    if not isinstance(text, str) or not DAY_PATTERN.fullmatch(text):
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(text)


def month_day(year: int, month: int, day: int) -> date:
    """*day* of that month, or its last day where the month is shorter."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def add_months(start: date, months: int, *, due_day: int | None = None) -> date:
    """*start* moved by whole months to *due_day* (default its own day), clamped, not drifting."""
    years, month = divmod(start.month - 1 + months, 12)
    return month_day(start.year + years, month + 1, due_day or start.day)
