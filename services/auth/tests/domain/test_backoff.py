"""Delay, not lock-out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from carport.auth.domain import backoff

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (9, 480), (10, 900), (11, 900), (99, 900)],
)
def test_the_delay_doubles_after_five_failures_up_to_fifteen_minutes(failures, seconds):
    assert backoff.delay_s(failures) == seconds


def test_a_guesser_who_never_rests_gets_ten_tries_in_fifteen_minutes_and_a_hundred_in_all():
    tries, failures, blocked, now = [], 0, None, START
    while now < START + timedelta(days=4):
        if backoff.may_try(failures, blocked, now=now):
            tries.append(now)
            failures += 1
            blocked = backoff.blocked_until(failures, now=now)
        now += timedelta(seconds=15)
    assert len(tries) == backoff.FAILURES_MAX
    window = timedelta(minutes=15)
    assert max(sum(t <= each < t + window for each in tries) for t in tries) <= 10


def test_the_delay_ends():
    blocked = backoff.blocked_until(5, now=START)
    assert not backoff.may_try(5, blocked, now=START + timedelta(seconds=29))
    assert backoff.may_try(5, blocked, now=START + timedelta(seconds=30))
