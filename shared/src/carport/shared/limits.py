"""Rate limits: a rule such as ``5/minute`` per key, with the headers that tell the client."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import parse
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from carport.shared.errors import Problem


@dataclass(frozen=True)
class Verdict:
    """Whether a hit is within the rule, and what is left of it."""

    is_allowed: bool
    limit: int
    remaining: int
    window_s: int
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """``RateLimit`` and ``RateLimit-Policy``, and ``Retry-After`` when over."""
        told = {
            "RateLimit-Policy": f'"default";q={self.limit};w={self.window_s}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
        }
        return told if self.is_allowed else {**told, "Retry-After": str(self.reset_s)}


class TooMany(Problem):
    """Over the rate; nothing was done."""

    status = 429
    code = "rate_limited"


class Limiter:
    """Counts hits in the store at *url*; *factor* multiplies every rule (sandbox only)."""

    def __init__(self, url: str = "memory://", factor: int = 1) -> None:
        self._strategy = SlidingWindowCounterRateLimiter(storage_from_string(url))
        self._factor = factor

    def hit(self, rule: str, *key: str) -> Verdict:
        """Count one hit of *key* against *rule* (``"5/minute"``)."""
        item = parse(rule)
        limit = item.amount * self._factor
        scaled = type(item)(limit, item.multiples, item.namespace)
        is_allowed = self._strategy.hit(scaled, *key)
        stats = self._strategy.get_window_stats(scaled, *key)
        reset_s = max(1, math.ceil(stats.reset_time - time.time()))
        remaining = stats.remaining if is_allowed else 0
        return Verdict(is_allowed, limit, remaining, item.get_expiry(), reset_s)

    def require(self, rule: str, *key: str) -> dict[str, str]:
        """The headers to send. Raises TooMany over the rule."""
        verdict = self.hit(rule, *key)
        if not verdict.is_allowed:
            raise TooMany(
                f"Too many requests. Nothing was done; try again in {verdict.reset_s} s.",
                headers=verdict.headers,
            )
        return verdict.headers
