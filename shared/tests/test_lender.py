"""The lender is data: another file makes another lender, an incomplete one does not start."""

from __future__ import annotations

from datetime import time
from importlib import resources

import pytest
from carport.shared import lender
from carport.shared.config import Misconfigured

SAMPLE = resources.files("carport.shared").joinpath("lenders", "kia.toml").read_text()


def test_the_sample_says_what_the_lenders_page_says():
    sample = lender.load()
    assert (sample.name, sample.phone) == ("Kia Finance America", "1-855-885-7600")
    assert sample.email.endswith("example.com")
    assert (sample.cut_off, sample.grace_days) == (time(20), 10)
    regular = sample.address("retail", "payment", "regular").lines
    assert regular[-2:] == ("P.O. Box 650805", "Dallas, TX 75265-0805")
    overnight = sample.address("lease", "payment", "overnight").lines
    assert overnight[-2:] == ("1501 North Plano Rd., Suite 100", "Richardson, TX 75081")
    assert str(sample.zone) == "America/New_York"


def test_another_file_is_another_lender(tmp_path):
    path = tmp_path / "other.toml"
    path.write_text(
        SAMPLE.replace("Kia Finance America", "Other Credit", 1).replace(
            "credit = true", "credit = false"
        )
    )
    other = lender.load(path)
    assert (other.name, other.cards["credit"]) == ("Other Credit", False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('delivery = "overnight"', 'delivery = "pigeon"'),
        ("America/New_York", "Mars/Olympus"),
        ("cut_off = 20:00:00", 'cut_off = "8 pm"'),
        ("grace_days = 10", 'grace_days = "ten"'),
        ("debit = true", "cash = true"),
        ('phone = "1-855-885-7600"', ""),
        ('phone = "1-855-885-7600"', 'fon = "1"'),
        ("[cards]", "[cards"),
    ],
)
def test_an_incomplete_profile_is_refused_with_its_path(tmp_path, old, new):
    path = tmp_path / "broken.toml"
    path.write_text(SAMPLE.replace(old, new))
    with pytest.raises(Misconfigured, match=r"broken\.toml"):
        lender.load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Misconfigured):
        lender.load(tmp_path / "none.toml")
