"""The last months of a lease, the notices in them, and the miles allowed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from carport.lease.domain.mileage import term_allowance
from carport.lease.domain.milestones import milestones, notice_due, notice_window

MATURITY = date(2026, 3, 1)


def test_the_milestones_are_counted_back_from_the_end():
    found = milestones(MATURITY, date(2025, 12, 1))
    assert [(m.days_before, m.date.isoformat(), m.reached) for m in found] == [
        (120, "2025-11-01", True),
        (90, "2025-12-01", True),
        (60, "2025-12-31", False),
        (30, "2026-01-30", False),
        (0, "2026-03-01", False),
    ]


@pytest.mark.parametrize(
    ("days_left", "notice"),
    [(91, None), (90, 90), (61, 90), (60, 60), (31, 60), (30, 30), (0, 30), (-1, None)],
)
def test_the_last_notice_reached_is_due(days_left, notice):
    assert notice_due(days_left) == notice


def test_the_windows_hold_exactly_the_maturity_dates_whose_notice_is_due():
    today = date(2025, 12, 1)
    for days_left in range(-3, 130):
        ends = today + timedelta(days=days_left)
        inside = [days for days, first, last in notice_window(today) if first <= ends <= last]
        assert inside == ([notice_due(days_left)] if notice_due(days_left) else [])


@pytest.mark.parametrize(
    ("annual", "months", "miles"),
    [(10000, 36, 30000), (12000, 39, 39000), (10000, 35, 29167), (0, 36, 0)],
)
def test_the_allowance_is_pro_rata_by_month(annual, months, miles):
    assert term_allowance(annual, months) == miles
