"""Rate limits: a rule such as ``5/minute`` per key, with the headers that tell the client.

Counted in one store for all replicas. While that is away every process counts for itself, against
a quarter of each rule: a limit is never off.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter as Strategy

from carport.shared import telemetry, valkey
from carport.shared.errors import Problem

ALONE_SHARE = 4
SILENT_S = 0.05
"""A request that counts and then asks for its session has 300 ms for both."""
AWAY_S = 1.0
log = telemetry.logger("carport.limits")
T = TypeVar("T")


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
    """Counts hits of *unit* in the store at *url*; *factor* widens every rule (sandbox only)."""

    def __init__(self, url: str = "memory://", factor: int = 1, unit: str = "carport") -> None:
        self._store = store_at(url)
        self._shared, self._alone = Strategy(self._store), Strategy(MemoryStorage())
        self._factor, self._unit = factor, unit
        self._away_until = 0.0

    def hit(self, rule: str, *key: str) -> Verdict:
        """Count one hit of *key* against *rule* (``"5/minute"``)."""

        def count(strategy: Strategy, item: RateLimitItem) -> Verdict:
            return look(strategy, item, key, is_allowed=strategy.hit(item, *key))

        return self._counted(rule, count)

    def require(self, rule: str, *key: str) -> dict[str, str]:
        """Count one hit; the headers to send. Raises TooMany over the rule."""
        verdict = self.hit(rule, *key)
        if not verdict.is_allowed:
            raise too_many(verdict)
        return verdict.headers

    def admit(self, rule: str, *key: str) -> None:
        """As ``require`` for who tells nobody what is left: that is not looked up."""

        def count(strategy: Strategy, item: RateLimitItem) -> None:
            if not strategy.hit(item, *key):
                raise too_many(look(strategy, item, key, is_allowed=False))

        self._counted(rule, count)

    def _counted(self, rule: str, count: Callable[[Strategy, RateLimitItem], T]) -> T:
        item = parse(rule)
        limit = item.amount * self._factor
        if time.monotonic() >= self._away_until:
            try:
                return count(self._shared, self._of_unit(item, limit))
            except self._store.base_exceptions as error:
                self._away_until = time.monotonic() + AWAY_S
                log.warning("limits are counted alone", error=type(error).__name__)
        return count(self._alone, self._of_unit(item, max(1, limit // ALONE_SHARE)))

    def _of_unit(self, item: RateLimitItem, limit: int) -> RateLimitItem:
        return type(item)(limit, item.multiples, self._unit)


def store_at(url: str) -> Any:
    """Where *url* counts: a server all replicas ask, or this process's memory."""
    if not valkey.is_address(url):
        return storage_from_string(url)
    pool = valkey.client(url, silent_s=SILENT_S).connection_pool
    return RedisStorage("redis://", connection_pool=pool)


def look(
    strategy: Strategy, item: RateLimitItem, key: tuple[str, ...], *, is_allowed: bool
) -> Verdict:
    """The verdict on a hit that has been counted."""
    stats = strategy.get_window_stats(item, *key)
    reset_s = max(1, math.ceil(stats.reset_time - time.time()))
    remaining = stats.remaining if is_allowed else 0
    return Verdict(is_allowed, item.amount, remaining, item.get_expiry(), reset_s)


def too_many(verdict: Verdict) -> TooMany:
    """The refusal, with when to come again."""
    detail = f"Too many requests. Nothing was done; try again in {verdict.reset_s} s."
    return TooMany(detail, headers=verdict.headers)
