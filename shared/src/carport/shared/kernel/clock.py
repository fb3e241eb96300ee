"""Real time. Business time is the lender's and lives with the accounts service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, with zone UTC: tokens, leases, retries, ``posted_at``, audit."""
    return datetime.now(UTC)
