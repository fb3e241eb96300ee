"""How far the close is, as operations sees it."""

from __future__ import annotations

from datetime import timedelta

from carport.accounts.queries.progress import gauges
from carport.shared.health import GAUGES

AGE, LEFT = "carport_close_age_seconds", "carport_close_contracts_left"


def told(suite, later=timedelta(0)):
    with suite.runtime.reading() as tx:
        return gauges(tx, suite.now + later)


def test_between_closes_there_is_nothing_left(suite):
    suite.board()
    suite.move("2025-01-12")
    assert told(suite) == {AGE: 0, LEFT: 0}
    assert set(told(suite)) <= set(GAUGES)


def test_a_close_that_is_held_grows_older_and_has_contracts_left(suite):
    suite.board()
    suite.is_answering = False
    suite.call("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-11"})
    suite.settle()
    found = told(suite, later=timedelta(minutes=20))
    assert found[LEFT] == 1
    assert 1200 <= found[AGE] < 1260
