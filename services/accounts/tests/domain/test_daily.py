"""What the close of a day has to do for a contract, and the next day on which there is anything."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from carport.accounts.domain.daily import DayWork, Reminder, day_work, month_end, next_action_on
from carport.accounts.domain.items import Item, Return
from carport.accounts.domain.terms import Terms

from .builders import day, lease, loan, opened, paid

AHEAD = (10, 3, 0)


def work(terms: Terms, closing: str, *items: Item) -> DayWork:
    """The work of closing *closing*, seen from the state of that day."""
    state = opened(terms, closing, *items).state
    return day_work(terms, state, day=day(closing), reminder_days=AHEAD)


@pytest.mark.parametrize(
    ("on", "last"),
    [("2025-01-01", "2025-01-31"), ("2024-02-29", "2024-02-29"), ("2025-12-31", "2025-12-31")],
)
def test_a_month_ends_on_its_last_day(on: str, last: str) -> None:
    assert month_end(day(on)) == day(last)


def test_most_days_have_no_work() -> None:
    assert work(loan(), "01-20") == DayWork()
    assert not work(loan(), "01-20").needs_replay


def test_the_close_after_grace_tests_the_instalment() -> None:
    assert work(loan(), "03-07").late_fees == (1,)
    assert work(loan(), "03-06").late_fees == ()
    assert work(loan(), "03-07", paid("03-06")).late_fees == ()
    assert work(loan(), "03-07", paid("03-07")).late_fees == (1,)
    assert work(loan(late_fee=None), "03-07").late_fees == ()


def test_an_instalment_paid_on_the_day_of_its_late_fee_leaves_that_day_its_work() -> None:
    state = opened(loan(), "03-07", paid("03-07")).state
    found = next_action_on(loan(), state, after=day("03-06"), reminder_days=())
    assert found == day("03-07")


def test_the_close_before_a_due_date_bills_the_rental() -> None:
    assert work(lease(), "2023-03-31").rentals == (2,)
    assert work(lease(), "2023-04-01").rentals == ()
    assert work(lease(), "2023-03-31").needs_replay


def test_reminders_go_out_at_the_opening_of_their_day() -> None:
    assert work(loan(), "02-13").reminders == (Reminder(1, day("02-24"), 58_684, 10),)
    assert work(loan(), "02-20").reminders == (Reminder(1, day("02-24"), 58_684, 3),)
    assert work(loan(), "02-23").reminders == (Reminder(1, day("02-24"), 58_684, 0),)
    assert work(loan(), "02-22").reminders == ()


def test_nobody_is_reminded_of_what_is_already_paid() -> None:
    assert work(loan(), "02-20", paid("02-20")).reminders == ()
    partly = work(loan(), "02-20", paid("02-15", 20_000)).reminders
    assert [reminder.amount for reminder in partly] == [38_684]
    ahead = work(lease(), "2023-03-28", paid("2023-03-01", 2 * 50_772)).reminders
    assert ahead == ()


def test_interest_is_accrued_at_the_end_of_a_month_while_a_loan_owes_any() -> None:
    assert work(loan(), "01-31").accrual
    assert not work(loan(), "01-30").accrual
    assert not work(loan(), "02-28", paid("02-24", 9_999_999)).accrual
    assert not work(lease(), "2023-03-31").accrual


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("01-10", "01-31"),
        ("01-31", "02-13"),
        ("02-13", "02-20"),
        ("02-20", "02-23"),
        ("02-23", "02-28"),
        ("02-28", "03-07"),
    ],
)
def test_the_next_action_is_the_earliest_of_all_kinds(after: str, expected: str) -> None:
    state = opened(loan(), after).state
    found = next_action_on(loan(), state, after=day(after), reminder_days=AHEAD)
    assert found == day(expected)


def test_the_month_end_after_a_month_end_is_that_of_the_next_month() -> None:
    terms = loan(late_fee=None)
    state = opened(terms, "01-31").state
    assert next_action_on(terms, state, after=day("01-31"), reminder_days=()) == day("02-28")


def test_a_contract_that_is_over_needs_nothing_any_more() -> None:
    terms = loan()
    state = opened(terms, "03-01", paid("02-24", 9_999_999)).state
    assert next_action_on(terms, state, after=day("03-01"), reminder_days=AHEAD) is None
    back = opened(lease(), "2023-03-20", paid("2023-03-01", 50_772), Return("r", day("2023-03-20")))
    found = next_action_on(lease(), back.state, after=day("2023-03-20"), reminder_days=AHEAD)
    assert found is None


@pytest.mark.parametrize("terms", [loan(term_months=6), lease(term_months=6)])
def test_days_without_work_may_be_skipped(terms: Terms) -> None:
    """From any day, the next action is the first later day whose close has work."""
    busy = set()
    first = terms.contract_date
    for closing in (first + timedelta(days=k) for k in range(300)):
        state = opened(terms, closing.isoformat()).state
        if day_work(terms, state, day=closing, reminder_days=AHEAD) != DayWork():
            busy.add(closing)
    for closing in (first + timedelta(days=k) for k in range(0, 250, 7)):
        state = opened(terms, closing.isoformat()).state
        found = next_action_on(terms, state, after=closing, reminder_days=AHEAD)
        assert found == min((d for d in busy if d > closing), default=None)
    assert isinstance(first, date)
