"""When a payment counts, when its bank entry leaves and until when it can be taken back.

Calendar dates carry payments; banking days carry files. Times are the lender's local time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_AHEAD_MAX = 90
CHEQUE_STALE_DAYS = 180
RETURN_WINDOW_BANKING_DAYS = 2
"""Most returns come within two banking days of settlement; later ones are honoured all the same."""
BANKING_DAYS_SEARCH_MAX = 10

ONE_DAY = timedelta(days=1)
IsBankingDay = Callable[[date], bool]


class InvalidDate(Exception):
    """A date outside what may be ordered or received."""

    code = "invalid_date"

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


def effective_on(asked: date | None, *, today: date, local_time: time, cut_off: time) -> date:
    """The day a payment counts: today before the cut-off, the next calendar date after it.

    Raises InvalidDate outside today to today + 90.
    """
    if asked is not None and not today <= asked <= today + timedelta(days=DAYS_AHEAD_MAX):
        last = today + timedelta(days=DAYS_AHEAD_MAX)
        raise InvalidDate(
            f"Choose a date from {today} to {last}. No payment was made and no money moved.",
            "/date",
        )
    earliest = today if local_time < cut_off else today + ONE_DAY
    return max(asked or today, earliest)


def check_received(received_on: date, *, today: date) -> None:
    """Raises InvalidDate for a cheque from the future or one too old to be paid."""
    if not today - timedelta(days=CHEQUE_STALE_DAYS) <= received_on <= today:
        raise InvalidDate(
            f"A cheque is received from {CHEQUE_STALE_DAYS} days ago to {today}."
            " Nothing was booked.",
            "/received_on",
        )


def banking_day_from(day: date, is_banking_day: IsBankingDay) -> date:
    """The banking day on or next after *day*."""
    for ahead in range(BANKING_DAYS_SEARCH_MAX):
        if is_banking_day(day + ahead * ONE_DAY):
            return day + ahead * ONE_DAY
    raise ValueError(f"no banking day within {BANKING_DAYS_SEARCH_MAX} days of {day}")


def banking_day_to(day: date, is_banking_day: IsBankingDay) -> date:
    """The banking day on or last before *day*."""
    for back in range(BANKING_DAYS_SEARCH_MAX):
        if is_banking_day(day - back * ONE_DAY):
            return day - back * ONE_DAY
    raise ValueError(f"no banking day within {BANKING_DAYS_SEARCH_MAX} days before {day}")


def banking_days_after(day: date, count: int, is_banking_day: IsBankingDay) -> date:
    """The *count*-th banking day after *day*."""
    for _ in range(count):
        day = banking_day_from(day + ONE_DAY, is_banking_day)
    return day


def is_before(*, day: date, limit: time, today: date, local_time: time) -> bool:
    """Whether *today* at *local_time* lies before *limit* of *day*."""
    return (today, local_time) < (day, limit)


def instant(day: date, at: time, zone: str) -> datetime:
    """The instant of a local time; aware, in *zone*."""
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone))
