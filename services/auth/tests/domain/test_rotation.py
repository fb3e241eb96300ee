"""The verdict on a presented refresh token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from carport.auth.domain.rotation import Presented, Verdict, decide

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spent_s_ago", "same_client", "verdict"),
    [
        (None, True, Verdict.ROTATE),
        (None, False, Verdict.REFUSE),
        (0, True, Verdict.REPEAT),
        (10, True, Verdict.REPEAT),
        (10.001, True, Verdict.REUSED),
        (0, False, Verdict.REUSED),
        (3600, True, Verdict.REUSED),
    ],
)
def test_every_case_has_its_verdict(spent_s_ago, same_client, verdict):
    spent = None if spent_s_ago is None else NOW - timedelta(seconds=spent_s_ago)
    assert decide(Presented(spent, same_client), now=NOW) is verdict
