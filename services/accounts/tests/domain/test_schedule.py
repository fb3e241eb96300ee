"""The level payment and the schedules, against table 2.2 of the domain guide."""

from __future__ import annotations

import calendar
from datetime import date
from decimal import Decimal

import pytest
from carport.accounts.domain.schedule import (
    ScheduleRow,
    current_schedule,
    level_payment,
    original_schedule,
    total_interest,
)
from carport.accounts.domain.terms import due_dates, maturity

from .builders import day, lease, loan, opened, paid

TABLE = {
    1: ("2025-02-24", 24_004, 34_680, 2_965_320),
    2: ("2025-03-24", 14_763, 43_921, 2_921_399),
    3: ("2025-04-24", 16_103, 42_581, 2_878_818),
    4: ("2025-05-24", 15_356, 43_328, 2_835_490),
    12: ("2026-01-24", 13_932, 44_752, 2_482_880),
}


def test_the_level_payment_of_the_sample_contract_is_586_84() -> None:
    assert loan().payment == 58_684


def test_the_level_payment_of_the_published_car_loan_is_281_01() -> None:
    assert level_payment(1_500_000, Decimal("0.047"), 60) == 28_101


def test_without_interest_the_payment_is_a_plain_share_and_the_last_one_pays_the_rest() -> None:
    terms = loan(principal=1_000_000, annual_rate="0", term_months=36)
    rows = original_schedule(terms)
    assert (terms.payment, rows[-1].payment, total_interest(rows)) == (27_778, 27_770, 0)


@pytest.mark.parametrize("number", sorted(TABLE))
def test_the_sample_schedule_is_right_to_the_cent(number: int) -> None:
    due, interest, principal, balance = TABLE[number]
    row = original_schedule(loan())[number - 1]
    assert row == ScheduleRow(number, day(due), 58_684, interest, principal, balance)


def test_the_last_payment_of_the_sample_is_686_46_and_its_interest_5_310_02() -> None:
    rows = original_schedule(loan())
    assert rows[-1] == ScheduleRow(60, day("2030-01-24"), 68_646, 376, 68_270, 0)
    assert total_interest(rows) == 531_002


def test_a_schedule_repays_exactly_what_was_financed() -> None:
    assert sum(row.principal for row in original_schedule(loan())) == 3_000_000


def test_the_level_payment_is_computed_from_the_exact_rate() -> None:
    assert level_payment(2_000_000, Decimal("0.109"), 48) == 51_594
    assert level_payment(2_000_000, Decimal("0.06"), 48) == 46_970


@pytest.mark.parametrize("due_day", range(1, 32))
def test_due_dates_keep_their_day_through_short_months_from_2024_to_2031(due_day: int) -> None:
    dates = due_dates(date(2024, 1, due_day), due_day, 96)
    assert (dates[0].year, dates[-1].year, dates[-1].month) == (2024, 2031, 12)
    for number, due in enumerate(dates):
        assert (due.year - 2024) * 12 + due.month - 1 == number
        assert due.day == min(due_day, calendar.monthrange(due.year, due.month)[1])


def test_a_due_day_of_31_survives_a_first_due_date_in_february() -> None:
    terms = loan(contract_date="2025-01-20", first_due_date="2025-02-28", due_day=31)
    rows = original_schedule(terms)
    assert [row.due_date for row in rows[:4]] == [
        day("02-28"), day("03-31"), day("04-30"), day("05-31"),
    ]  # fmt: skip


def test_the_current_schedule_of_a_new_contract_is_the_original_one() -> None:
    terms = loan()
    state = opened(terms, "01-10").state
    assert current_schedule(terms, state) == original_schedule(terms)


def test_the_current_schedule_goes_on_where_payments_on_time_left_it() -> None:
    terms = loan()
    state = opened(terms, "05-10", paid("02-24"), paid("03-24"), paid("04-24")).state
    assert current_schedule(terms, state) == original_schedule(terms)[3:]


def test_extra_principal_ends_the_schedule_earlier_and_saves_interest() -> None:
    terms = loan()
    extra = paid("02-24", 58_684 + 500_000, extra="principal")
    rows = current_schedule(terms, opened(terms, "03-01", extra).state)
    assert (rows[0].number, rows[0].payment) == (2, 58_684)
    assert len(rows) < 59
    assert total_interest(rows) < total_interest(original_schedule(terms)) - 24_004


def test_paying_ahead_shortens_the_next_instalments_in_order() -> None:
    terms = loan()
    rows = current_schedule(
        terms, opened(terms, "03-01", paid("02-24", 58_684 + 58_684 + 20_000)).state
    )
    assert [(row.number, row.payment) for row in rows[:2]] == [(3, 38_684), (4, 58_684)]


def test_what_is_past_due_stands_first_in_the_current_schedule() -> None:
    terms = loan()
    rows = current_schedule(terms, opened(terms, "04-01").state)
    assert [(row.number, row.payment) for row in rows[:3]] == [
        (1, 58_684), (2, 58_684), (3, 58_684),
    ]  # fmt: skip
    assert sum(row.principal for row in rows) == 3_000_000


def test_a_contract_that_was_paid_off_has_no_rows_left() -> None:
    terms = loan()
    state = opened(terms, "03-01", paid("02-24", 4_000_000)).state
    assert current_schedule(terms, state) == ()


def test_a_lease_schedule_splits_the_base_by_constant_yield_and_shows_the_tax() -> None:
    rows = original_schedule(lease())
    assert rows[0] == ScheduleRow(1, day("2023-03-01"), 50_772, 11_271, 35_632, 3_214_368, 3_869)
    assert (rows[-1].balance, total_interest(rows)) == (1_885_000, 323_508)


def test_a_loan_matures_on_its_last_due_date_and_a_lease_after_its_term() -> None:
    assert maturity(loan()) == day("2030-01-24")
    assert maturity(lease()) == day("2026-03-01")
    assert maturity(lease(), extension_months=3) == day("2026-06-01")
