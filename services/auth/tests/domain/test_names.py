"""User names and addresses: one canonical form, and what is refused."""

from __future__ import annotations

import pytest
from carport.auth.domain.names import (
    InvalidEmail,
    InvalidUsername,
    canonical,
    comparable_account_number,
    parse_email,
    parse_username,
)


@pytest.mark.parametrize(
    ("spelling", "other"),
    [
        ("MIKE@EXAMPLE.COM", "mike@example.com"),
        ("m\u0131ke@example.com", "mike@example.com"),
        ("M\u0130KE@example.com", "mike@example.com"),
        ("mi\u212ae@example.com", "mike@example.com"),
        ("\uff4d\uff49\uff4b\uff45@example.com", "mike@example.com"),
        ("stra\u00dfe", "STRASSE"),
        ("\ufb01nn", "finn"),
        ("jos\u00e9", "jose\u0301"),
        ("mi\u017fter", "mister"),
        (" mike. ", "mike"),
        ("mike@example.com.", "mike@example.com"),
    ],
)
def test_spellings_a_person_would_take_for_the_same_have_one_canonical_form(spelling, other):
    assert canonical(spelling) == canonical(other)


@pytest.mark.parametrize(
    ("one", "another"),
    [("mike+car@example.com", "mike@example.com"), ("jose", "josé"), ("a.b", "ab")],
)
def test_different_names_stay_different(one, another):
    assert canonical(one) != canonical(another)


def test_canonical_forms_are_stable():
    for text in ("ıİKſßﬁ．Ａ", "É", "ΑΣ", "ǰ"):
        assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ana.Rivera@Example.COM", "Ana.Rivera@example.com"),
        (" ana@example.com ", "ana@example.com"),
        ("ana+car@example.com", "ana+car@example.com"),
        ("ana@sub.example.com.", "ana@sub.example.com"),
        ("ana@xn--bcher-kva.example.com", "ana@xn--bcher-kva.example.com"),
        ("josé@example.com", "josé@example.com"),
        ("ａｎａ@example.com", "ana@example.com"),
    ],
)
def test_addresses_are_stored_in_one_spelling(typed, stored):
    assert parse_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "@example.com",
        "a@b",
        '"x"@example.com',
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a b@example.com",
        "a@example.com\r\nBcc: x@example.com",
        "a@example.com\n",
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a@exa_mple.com",
        "a@-example.com",
        "a@example..com",
        "a@\u0435xample.com",
        "a@example.c",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}.example.com",
    ],
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(InvalidEmail):
        parse_email(typed)


@pytest.mark.parametrize("typed", ["ana", "Ana.R-1_x", "日本語", "ÀÉÎ", "0ab"])
def test_user_names_of_letters_digits_and_marks_are_fine(typed):
    assert parse_username(typed) == typed


@pytest.mark.parametrize(
    "typed",
    ["ab", "a" * 65, "ana@home", "ana rivera", ".ana", "-ana", "ana<b>", "ana;", "a\u200bna"],
)
def test_other_user_names_are_refused(typed):
    with pytest.raises(InvalidUsername):
        parse_username(typed)


def test_account_numbers_are_compared_without_spaces_dashes_and_case():
    assert comparable_account_number(" 22-0041 7783a") == "2200417783A"
