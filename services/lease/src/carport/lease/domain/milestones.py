"""The last months of a lease: what happens how many days before its end, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

TITLES = {
    120: "Lease-end options open: you can ask to extend the lease",
    90: "Decide: return, buy or extend. Returning can be arranged from now on",
    60: "Have the vehicle looked at for wear, and check the mileage",
    30: "Arrange the return or the purchase",
    0: "The lease ends",
}
"""Days before the maturity date -> what the customer can or should do by then."""
NOTICE_DAYS = (90, 60, 30)
"""Days before the maturity date at which the customer is told."""


@dataclass(frozen=True)
class Milestone:
    """A day on the way to the end of the lease."""

    days_before: int
    date: date
    title: str
    reached: bool


def milestones(maturity_date: date, as_of: date) -> list[Milestone]:
    """All of them, first to last."""
    days = ((n, maturity_date - timedelta(days=n)) for n in TITLES)
    return [Milestone(n, on, TITLES[n], as_of >= on) for n, on in days]


def notice_due(days_left: int) -> int | None:
    """The notice that is due with *days_left*: the last one reached; None before the first and
    after the end. A lease that comes to us late gets that one and not those it missed."""
    reached = [days for days in NOTICE_DAYS if 0 <= days_left <= days]
    return min(reached, default=None)


def notice_window(as_of: date) -> Sequence[tuple[int, date, date]]:
    """``(notice, first, last)``: maturity dates from *first* to *last* have that notice due on
    *as_of*; together they cover every lease within the longest notice of its end."""
    shorter = (*NOTICE_DAYS[1:], -1)
    return [
        (days, as_of + timedelta(days=next_shorter + 1), as_of + timedelta(days=days))
        for days, next_shorter in zip(NOTICE_DAYS, shorter, strict=True)
    ]
