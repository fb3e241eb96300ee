"""Passwords: long, and not one people guess."""

from __future__ import annotations

import pytest
from carport.auth.domain.password_policy import (
    LENGTH_MAX,
    WeakPassword,
    check,
    common_passwords,
    normalised,
)

FINE = "three quiet otters 7"


@pytest.mark.parametrize(
    "password",
    [
        FINE,
        "correct horse battery staple",
        "8472 1938 5521 0937",
        "4729 tree 8812 9931",
        "пять тихих выдр гуляют",
        "🦦🚗🌲🎻🧊🪁🥝🛶🎯🧭🪵🧲🔭🪺🫖",
        "Zx9!Zx9?Zx9-Zx9+Ab",
        "x1" + "otter kettle " * 9,
    ],
)
def test_long_unguessable_passwords_of_any_composition_pass(password):
    check(password, names=["ana.rivera@example.com", "ana"])


@pytest.mark.parametrize("length", [1, 7, 8, 14])
def test_short_passwords_are_refused(length):
    with pytest.raises(WeakPassword, match="15 characters"):
        check(FINE[:length])


@pytest.mark.parametrize("length", [15, 64, 128, 1_000, LENGTH_MAX])
def test_long_passwords_pass(length):
    words = " ".join(f"otter{number * 37}kettle" for number in range(200))
    check(words[:length])


def test_too_long_passwords_are_refused():
    with pytest.raises(WeakPassword, match="at most"):
        check("ab c" * 300)


@pytest.mark.parametrize(
    "password",
    [
        " " * 20,
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "123456789012345",
        "9876543210987654",
        "abcdefghijklmnopq",
        "qwertyuiopasdfgh",
        "passwordpassword",
        "PassWordPassWord",
        "password1234567!",
        "!!!sunshine12345",
        "1qaz2wsx3edc4rfv",
        "p a s s w o r d 123456",
        "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",
        "iloveyou iloveyou",
    ],
)
def test_common_passwords_and_common_ones_made_longer_are_refused(password):
    with pytest.raises(WeakPassword):
        check(password)


@pytest.mark.parametrize(
    "password",
    ["my carport and me", "Kia Finance is fine", "ana.rivera rides again", "the Rivera-Fan rides"],
)
def test_passwords_with_the_name_of_the_lender_or_the_user_are_refused(password):
    with pytest.raises(WeakPassword, match="Leave out"):
        check(password, names=["ana.rivera@example.com", "Rivera-Fan"])


def test_short_names_are_no_reason_to_refuse():
    check("an apple on a table", names=["ana@example.com", "app"])


def test_the_packaged_list_is_long_enough():
    assert len(common_passwords()) >= 3_000
    assert {"password", "123456", "qwertyuiop", "letmein"} <= common_passwords()


def test_the_same_letters_are_the_same_password_from_any_keyboard_and_nothing_else_is():
    assert normalised("cafe\u0301 otters") == normalised("caf\u00e9 otters")
    for other in ("Caf\u00e9 otters", " caf\u00e9 otters", "caf\u00e9 otters "):
        assert normalised(other) != normalised("caf\u00e9 otters")
