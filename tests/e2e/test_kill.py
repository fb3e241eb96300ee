"""A power cut costs nobody anything."""

from __future__ import annotations

import pytest
from support.storm import Storm


@pytest.mark.timeout(300)
def test_after_five_kills_under_load_every_accepted_payment_is_posted_exactly_once(tmp_path):
    storm = Storm(tmp_path / "var", seed=5)
    try:
        storm.blow(5)
        storm.settle()
        assert len(storm.history.accepted) > 20
    finally:
        storm.end()
