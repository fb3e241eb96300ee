"""Delay, not lock-out: how long wrong passwords keep the next try from counting.

Five free failures, then 30 s doubling to 15 minutes: at most ten tries are looked at in any 15
minutes. After a hundred in a row only a password reset, or a device that has logged in before and
has its own count, opens the account: a stranger can slow its owner down, never lock her out.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FAILURES_FREE = 5
FAILURES_MAX = 100
DELAY_FIRST_S = 30
DELAY_MAX_S = 15 * 60


def delay_s(failures: int) -> int:
    """Seconds of delay after *failures* wrong passwords in a row."""
    if failures < FAILURES_FREE:
        return 0
    doublings = min(failures - FAILURES_FREE, 16)
    return min(DELAY_FIRST_S << doublings, DELAY_MAX_S)


def blocked_until(failures: int, *, now: datetime) -> datetime | None:
    """Until when a further password is not looked at; None when it is at once."""
    seconds = delay_s(failures)
    return now + timedelta(seconds=seconds) if seconds else None


def may_try(failures: int, blocked: datetime | None, *, now: datetime) -> bool:
    """Whether a password given now may count."""
    return failures < FAILURES_MAX and (blocked is None or blocked <= now)
