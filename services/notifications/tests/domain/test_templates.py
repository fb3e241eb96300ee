"""Every kind has its words, and the words hold on hostile values."""

from __future__ import annotations

import pytest
from carport.notifications.domain.catalogue import KINDS
from carport.notifications.templates import FOLDER, clean, fill


def test_every_kind_has_a_template_and_every_template_a_kind():
    assert {path.stem for path in (FOLDER / "en").glob("*.j2")} == set(KINDS)


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("a\r\nb", "a b"),
        ("\u202eabc\u2069", "abc"),
        ("  Ann\t Lee ", "Ann Lee"),
        ("Zoë 王 🚗", "Zoë 王 🚗"),
        ("x" * 600, "x" * 500),
        (["a\nb", {"c": "d\0e"}], ["a b", {"c": "d e"}]),
        (5, 5),
    ],
)
def test_texts_are_one_visible_line(value, cleaned):
    assert clean(value) == cleaned


def test_paragraphs_are_filled_without_breaking_addresses():
    address = "https://carport.example.com/verify?token=" + "x" * 80
    lines = fill(f"{'word ' * 20}{address}").splitlines()
    assert address in lines
    assert max(len(line) for line in lines if line != address) <= 78
