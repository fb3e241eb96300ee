"""Answers worth keeping for a moment: bounded, per process, the last good one when a call fails."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from carport.portal.api import Problem

KEYS_MAX = 2048

T = TypeVar("T")


class Recent(Generic[T]):
    """``get`` answers what it knows while that is younger than *ttl_s*, else asks again."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, ask: Callable[[], T], *, otherwise: T) -> T:
        """What is known of *key*; *otherwise* when nothing is and *ask* raises Problem."""
        with self._lock:
            known = self._known.get(key)
        if known and time.monotonic() - known[0] < self._ttl_s:
            return known[1]
        try:
            value = ask()
        except Problem:
            return known[1] if known else otherwise
        with self._lock:
            self._known[key] = (time.monotonic(), value)
            self._known.move_to_end(key)
            while len(self._known) > KEYS_MAX:
                self._known.popitem(last=False)
        return value

    def forget(self, key: str) -> None:
        with self._lock:
            self._known.pop(key, None)
