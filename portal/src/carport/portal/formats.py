"""How cents, days, rates and instants read to people, and how what they type is read back."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from carport.shared.kernel import days, money

DAY_IN_TEXT = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b", re.ASCII)
DAY = timedelta(days=1)
ZONES = {
    "America/New_York": "Eastern time",
    "America/Chicago": "Central time",
    "America/Denver": "Mountain time",
    "America/Los_Angeles": "Pacific time",
}
AMOUNT = re.compile(r"\$?\s*([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(?:\.([0-9]{1,2}))?", re.ASCII)


def cents(text: str) -> int | None:
    """``1,234.5`` or ``$586.84`` as integer cents; None when it is no amount above zero."""
    found = AMOUNT.fullmatch(text.strip())
    if found is None:
        return None
    whole, part = found.group(1).replace(",", ""), found.group(2) or ""
    return int(whole) * 100 + int(part.ljust(2, "0")) or None


def day_of(text: object) -> date | None:
    """A calendar day from ``YYYY-MM-DD``; None for anything else."""
    try:
        return days.parse_day(text)
    except ValueError:
        return None


def amount(value: int | None, currency: str = "USD") -> str:
    """Cents as ``$1,234.50``; a dash for nothing."""
    return "–" if value is None else money.display(value, currency)


def typed(value: int | None) -> str:
    """Cents as one types them: ``586.84``."""
    return "" if value is None else f"{value // 100}.{value % 100:02d}"


def long_day(value: str | date | None) -> str:
    """``May 4, 2025``."""
    found = value if isinstance(value, date) else day_of(value)
    return f"{found:%B} {found.day}, {found.year}" if found else "–"


def short_day(value: str | date | None) -> str:
    """``May 4``."""
    found = value if isinstance(value, date) else day_of(value)
    return f"{found:%b} {found.day}" if found else "–"


def day_and_year(value: str | date | None) -> str:
    """``May 4, 2025`` with the month cut to three letters: for tables."""
    found = value if isinstance(value, date) else day_of(value)
    return f"{found:%b} {found.day}, {found.year}" if found else "–"


def plain_days(text: str) -> str:
    """*text* with its ISO dates as people read them."""
    return DAY_IN_TEXT.sub(lambda found: day_and_year(found[0]), text)


def in_days(count: int) -> str:
    """``today``, ``tomorrow``, ``in 5 days``, ``3 days ago``."""
    if count in (-1, 0, 1):
        return {-1: "yesterday", 0: "today", 1: "tomorrow"}[count]
    return f"in {count} days" if count > 0 else f"{-count} days ago"


def instant(value: str | None, zone: str = "UTC") -> str:
    """An RFC 3339 instant in the lender's zone: ``May 4, 2025, 3:12 PM EDT``."""
    found = parse_instant(value)
    if found is None:
        return "–"
    local = found.astimezone(ZoneInfo(zone))
    return f"{local:%B} {local.day}, {local.year}, {local.hour % 12 or 12}:{local:%M %p %Z}"


def short_instant(value: str | None, zone: str = "UTC") -> str:
    """The same for lists: ``May 4, 2025``."""
    found = parse_instant(value)
    return day_and_year(found.astimezone(ZoneInfo(zone)).date()) if found else "–"


def parse_instant(value: str | None) -> datetime | None:
    """An aware instant; None for anything that is none."""
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def clock(value: str | None) -> str:
    """``20:00`` as ``8:00 PM``."""
    found = re.fullmatch(r"([0-2][0-9]):([0-5][0-9])(?::[0-5][0-9])?", value or "", re.ASCII)
    if found is None:
        return value or ""
    hour = int(found.group(1))
    return f"{hour % 12 or 12}:{found.group(2)} {'PM' if hour >= 12 else 'AM'}"


def zone_name(zone: str) -> str:
    """A time zone as people call it: ``Eastern time``."""
    return ZONES.get(zone, zone.replace("_", " "))


def dollars(value: str) -> str:
    """An unrounded decimal amount of dollars, rounded to the cent: ``5.1188`` is ``$5.12``."""
    return money.display(money.round_half_up(Decimal(value) * 100))


def percent(rate: str | None) -> str:
    """A decimal fraction as a percentage: ``0.0649`` is ``6.49%``."""
    if not rate:
        return "–"
    value = (Decimal(rate) * 100).normalize()
    return f"{value:f}%"


def number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


FILTERS = {
    "amount": amount,
    "typed": typed,
    "long_day": long_day,
    "short_day": short_day,
    "day_and_year": day_and_year,
    "in_days": in_days,
    "instant": instant,
    "short_instant": short_instant,
    "clock": clock,
    "dollars": dollars,
    "percent": percent,
    "plain_days": plain_days,
    "zone_name": zone_name,
    "number": number,
}
