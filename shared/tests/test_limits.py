"""Rates are counted per key and rule, and the answer says what is left."""

from __future__ import annotations

import pytest
from carport.shared.limits import Limiter, TooMany


def test_a_rule_holds_per_key():
    limiter = Limiter()
    assert [limiter.hit("3/minute", "a").is_allowed for _ in range(4)] == [True] * 3 + [False]
    assert limiter.hit("3/minute", "b").is_allowed
    assert limiter.hit("4/minute", "a").is_allowed


def test_what_is_left_is_told():
    limiter = Limiter()
    headers = limiter.require("2/minute", "a")
    assert headers["RateLimit-Policy"] == '"default";q=2;w=60'
    assert headers["RateLimit"].startswith('"default";r=1;t=')
    assert "Retry-After" not in headers
    limiter.require("2/minute", "a")
    with pytest.raises(TooMany) as refused:
        limiter.require("2/minute", "a")
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60


def test_the_factor_of_the_sandbox_widens_every_rule():
    limiter = Limiter(factor=2)
    assert [limiter.hit("1/minute", "a").is_allowed for _ in range(3)] == [True, True, False]
