"""What lease publishes is what its contracts promise."""

from __future__ import annotations

from datetime import UTC, date, datetime

import jsonschema
import pytest
from carport.lease import events
from carport.shared.events import contract

NOW = datetime(2025, 5, 5, 12, tzinfo=UTC)
DAY = date(2025, 5, 5)
ACCOUNT = "01968b3e-4c00-7a11-8c1d-2f6f3f0a9e02"


@pytest.mark.parametrize(
    "event",
    [
        events.day_done(DAY, counts={}, now=NOW),
        events.maturity_approaching(
            ACCOUNT, maturity_date=date(2025, 8, 3), days_left=90, now=NOW, day=DAY
        ),
    ],
    ids=lambda event: event.type,
)
def test_an_event_keeps_its_contract_and_carries_its_day(event):
    jsonschema.validate(event.data, contract(event.type)["schema"])
    assert event.businessdate == DAY
