"""Routing and account numbers."""

from __future__ import annotations

import pytest
from carport.payments.domain.bank_accounts import InvalidBankAccount, check, is_routing_number
from hypothesis import given
from hypothesis import strategies as st

VALID = ["021000021", "011401533", "122105155", "091000019", "322271627", "031201360"]


@pytest.mark.parametrize("number", VALID)
def test_numbers_of_real_banks_pass(number):
    assert is_routing_number(number)


@given(st.sampled_from(VALID), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number, place, by):
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not is_routing_number(wrong)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "000000000",
        "02100002",
        "0210000210",
        "021 00002",
        "０２１０００" + "021",
        "-21000021",
        "990000001",
    ],
)
def test_other_texts_are_no_routing_numbers(number):
    assert not is_routing_number(number)


@pytest.mark.parametrize("number", ["123", "1" * 18, "12a4", "12 34", "１２３４", "", "-1234"])
def test_account_numbers_have_4_to_17_digits(number):
    with pytest.raises(InvalidBankAccount) as refused:
        check(routing_number=VALID[0], account_number=number)
    assert refused.value.pointer == "/account_number"


def test_a_wrong_routing_number_is_named_as_the_member_at_fault():
    with pytest.raises(InvalidBankAccount) as refused:
        check(routing_number="021000022", account_number="1234")
    assert refused.value.pointer == "/routing_number"
