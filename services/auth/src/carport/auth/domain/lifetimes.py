"""How long sessions and one-time links live, and how fresh an authentication must be."""

from __future__ import annotations

from datetime import datetime, timedelta

ACCESS_TOKEN = timedelta(minutes=10)
SESSION_IDLE = timedelta(hours=1)
SESSION_ABSOLUTE = timedelta(hours=24)
STEP_UP = timedelta(minutes=5)
VERIFICATION_LINK = timedelta(hours=24)
RESET_LINK = timedelta(minutes=15)
REMINDER = timedelta(hours=24)


def expires_at(*, last_used_at: datetime, ends_by: datetime) -> datetime:
    """When a session ends by itself: idle for an hour, and a day after login in any case."""
    return min(last_used_at + SESSION_IDLE, ends_by)
