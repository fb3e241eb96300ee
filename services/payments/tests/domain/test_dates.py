"""Cut-off, weekends, future dates, file days and until when a payment can be taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from carport.payments.domain import dates
from carport.payments.domain.dates import InvalidDate
from carport.payments.domain.payment import Payment, cancel_limit, first_state, is_cancellable
from carport.payments.domain.states import Settlement, State
from carport.payments.providers.banking_days import is_banking_day
from hypothesis import given
from hypothesis import strategies as st

MONDAY = date(2025, 5, 5)
SATURDAY = date(2025, 5, 3)
CUT_OFF = time(20)
DAYS = st.dates(date(2024, 1, 1), date(2031, 12, 31))


def effective(asked=None, today=MONDAY, local_time="12:00"):
    at = time.fromisoformat(local_time)
    return dates.effective_on(asked, today=today, local_time=at, cut_off=CUT_OFF)


def test_before_the_cut_off_a_payment_counts_today():
    assert effective() == effective(local_time="19:59") == MONDAY


def test_from_the_cut_off_on_it_counts_on_the_next_calendar_date():
    assert (
        effective(local_time="20:00") == effective(MONDAY, local_time="23:59") == date(2025, 5, 6)
    )


def test_weekends_count_like_other_days():
    assert effective(today=SATURDAY) == SATURDAY
    assert effective(today=SATURDAY, local_time="20:01") == date(2025, 5, 4)


def test_a_later_date_is_kept_also_after_the_cut_off():
    assert effective(date(2025, 5, 6), local_time="21:00") == date(2025, 5, 6)
    assert effective(date(2025, 5, 24)) == date(2025, 5, 24)


@given(DAYS, st.integers(-200, 200))
def test_today_to_ninety_days_ahead_is_allowed_and_nothing_else(today, ahead):
    asked = today + timedelta(days=ahead)
    if 0 <= ahead <= 90:
        assert effective(asked, today=today) == asked
    else:
        with pytest.raises(InvalidDate):
            effective(asked, today=today)


@pytest.mark.parametrize(
    ("days_ago", "is_taken"), [(0, True), (180, True), (181, False), (-1, False)]
)
def test_a_cheque_is_received_today_or_in_the_last_180_days(days_ago, is_taken):
    received = MONDAY - timedelta(days=days_ago)
    if is_taken:
        dates.check_received(received, today=MONDAY)
    else:
        with pytest.raises(InvalidDate):
            dates.check_received(received, today=MONDAY)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 7, 3), True),  # the holiday falls on Saturday: the Fed is open on Friday
        (date(2025, 7, 4), False),
        (date(2021, 12, 31), True),
        (date(2023, 1, 2), False),  # Sunday's holiday is kept on Monday
        (date(2025, 6, 19), False),
        (date(2025, 5, 26), False),
        (SATURDAY, False),
        (MONDAY, True),
    ],
)
def test_banking_days_are_those_of_the_federal_reserve(day, is_open):
    assert is_banking_day(day) is is_open


@given(DAYS)
def test_the_file_day_is_the_first_banking_day_on_or_after(day):
    found = dates.banking_day_from(day, is_banking_day)
    assert is_banking_day(found)
    between = (found - day).days
    assert not any(is_banking_day(day + timedelta(days=n)) for n in range(between))
    assert dates.banking_day_to(found, is_banking_day) == found
    assert dates.banking_day_to(day, is_banking_day) <= day


@given(DAYS, st.integers(1, 5))
def test_counting_banking_days_skips_all_others(day, count):
    after = dates.banking_days_after(day, count, is_banking_day)
    passed = (day + timedelta(days=n) for n in range(1, (after - day).days + 1))
    assert sum(map(is_banking_day, passed)) == count


def payment(method_type, state, settlement=Settlement.NONE, effective_on=MONDAY):
    return Payment(
        id="p", account_id="a", user_id="u", party_id=None, method_id="m",
        method_type=method_type, brand="b", last4="1234", amount=1, currency="USD",
        effective_on=effective_on, state=state, settlement=settlement,
        confirmation_number="C", created_at=datetime(2025, 5, 5, tzinfo=UTC),
    )  # fmt: skip


def until(found):
    return cancel_limit(found, cut_off=CUT_OFF, is_banking_day=is_banking_day)


@pytest.mark.parametrize("state", [State.SCHEDULED, State.ACCEPTED, State.POSTED])
def test_a_bank_payment_can_be_taken_back_until_the_cut_off_of_its_file(state):
    limit = until(payment("bank_account", state))
    assert limit == (MONDAY, CUT_OFF)
    assert is_cancellable(limit, today=MONDAY, local_time=time(19, 59))
    assert not is_cancellable(limit, today=MONDAY, local_time=CUT_OFF)
    assert not is_cancellable(limit, today=MONDAY + timedelta(days=1), local_time=time(0))


def test_a_bank_payment_of_a_weekend_can_be_taken_back_until_monday_evening():
    limit = until(payment("bank_account", State.POSTED, effective_on=SATURDAY))
    assert limit == (MONDAY, CUT_OFF)
    assert is_cancellable(limit, today=SATURDAY, local_time=time(23))


def test_a_card_order_can_be_taken_back_until_its_day_opens_and_never_once_asked():
    later = MONDAY + timedelta(days=10)
    limit = until(payment("card", State.SCHEDULED, effective_on=later))
    assert is_cancellable(limit, today=later - timedelta(days=1), local_time=time(23, 59))
    assert not is_cancellable(limit, today=later, local_time=time(0))
    for state in (State.PROCESSING, State.UNKNOWN, State.ACCEPTED, State.POSTED):
        assert until(payment("card", state)) is None


@pytest.mark.parametrize(
    "state", [s for s in State if s not in (State.SCHEDULED, State.ACCEPTED, State.POSTED)]
)
@pytest.mark.parametrize("method_type", ["bank_account", "card", "cheque"])
def test_in_every_other_state_there_is_nothing_to_take_back(method_type, state):
    assert until(payment(method_type, state)) is None


@pytest.mark.parametrize("settlement", [s for s in Settlement if s is not Settlement.NONE])
def test_what_has_gone_to_the_bank_cannot_be_taken_back(settlement):
    assert until(payment("bank_account", State.POSTED, settlement)) is None


def test_a_cheque_cannot_be_taken_back():
    assert until(payment("cheque", State.POSTED)) is None


def test_an_order_begins_scheduled_processing_or_accepted():
    later = MONDAY + timedelta(days=1)
    assert first_state("bank_account", effective_on=later, today=MONDAY) is State.SCHEDULED
    assert first_state("card", effective_on=later, today=MONDAY) is State.SCHEDULED
    assert first_state("card", effective_on=MONDAY, today=MONDAY) is State.PROCESSING
    assert first_state("bank_account", effective_on=MONDAY, today=MONDAY) is State.ACCEPTED


def test_local_times_become_instants_also_when_clocks_change():
    assert dates.instant(MONDAY, CUT_OFF, "America/New_York").astimezone(UTC).hour == 0
    assert dates.instant(date(2025, 1, 6), CUT_OFF, "America/New_York").astimezone(UTC).hour == 1
