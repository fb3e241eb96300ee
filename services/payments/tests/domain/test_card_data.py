"""Card numbers are recognised however they are written, and little else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from carport.payments.domain.card_data import has_card_number, is_card_number, is_luhn, strings
from carport.shared.kernel.ids import new_id
from hypothesis import given
from hypothesis import strategies as st

CARDS = [
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6205500000000000004",
    "4222222222222",
]


@pytest.mark.parametrize("number", CARDS)
def test_numbers_of_every_network_are_recognised(number):
    assert has_card_number(number)
    assert is_card_number(number)


@pytest.mark.parametrize(
    "text", ["4242 4242 4242 4242", "4242-4242-4242-4242", "card 4242424242424242, cvv 123"]
)
def test_spaces_dashes_and_words_around_it_do_not_hide_it(text):
    assert has_card_number(text)


@given(st.text("0123456789", min_size=12, max_size=18))
def test_every_number_with_a_right_check_digit_is_refused(digits):
    check = next(d for d in "0123456789" if is_luhn(digits + d))
    assert has_card_number(digits + check)
    others = set("0123456789") - {check}
    assert not any(has_card_number(digits + d) for d in others)


@pytest.mark.parametrize("text", ["", "424242424242", "1" * 40, "2025-05-05", "+1 855 885 7600"])
def test_short_and_long_numbers_dates_and_phones_pass(text):
    assert not has_card_number(text)


def test_our_own_ids_pass_whatever_their_digits():
    now = datetime(2025, 5, 5, tzinfo=UTC)
    assert not any(has_card_number(new_id(now + timedelta(hours=n))) for n in range(500))
    assert not has_card_number("01970000-0000-7000-8000-000000000000")


def test_a_long_bank_account_number_passes_though_its_check_digit_fits():
    number = "1000000000000008"
    assert is_luhn(number)
    assert has_card_number(number)
    assert not is_card_number(number)


def test_strings_are_found_at_any_depth_with_their_pointer_and_names_count():
    body = {"a": "x", "b": [{"c": "y"}, 3, None], "4242424242424242": True}
    assert set(strings(body)) == {
        ("", "a"), ("", "b"), ("", "4242424242424242"), ("/b/0", "c"), ("/a", "x"), ("/b/0/c", "y")
    }  # fmt: skip
