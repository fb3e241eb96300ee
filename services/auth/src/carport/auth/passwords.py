"""Argon2id: hashing and checking passwords, never more at once than there are cores, nor than four.

19 MiB, two passes, one lane (OWASP's minimum, the measured choice): about 20 ms of one core, and a
bounded amount of memory however many log in together. It is done in as many threads: glibc keeps
what a thread has used, which for each thread of a web process were 19 MiB more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from carport.auth.domain.password_policy import normalised
from carport.shared.errors import Unavailable

TURN_WAIT_S_MAX = 3.0
DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$pyJq5T5m0yRRZvQtTqGJ2Q"
    "$HsuR51VKsmeHDTSMLDaYGF2iI8fT4z7s2d8j2s0R0jQ"
)
"""Of no password: what is checked when there is no user, so that it takes as long."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_CORES = min(4, os.cpu_count() or 1)
"""Of a large machine only so many: a container has a share of its cores, and 256 MiB."""
_TURNS = threading.BoundedSemaphore(_CORES)
_THREADS = ThreadPoolExecutor(_CORES, "argon2")
Result = TypeVar("Result")


def hashed(password: str) -> str:
    """The encoded hash to store. Raises Unavailable when too many are waiting."""
    return _in_turn(partial(_HASHER.hash, normalised(password)))


def is_right(password_hash: str, password: str) -> bool:
    """Whether *password* is the one; as slow for a wrong one. Raises Unavailable as above."""
    try:
        return _in_turn(partial(_HASHER.verify, password_hash, normalised(password)))
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether *password_hash* was made with other costs than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _in_turn(work: Callable[[], Result]) -> Result:
    with _turn():
        return _THREADS.submit(work).result()


@contextmanager
def _turn() -> Iterator[None]:
    if not _TURNS.acquire(timeout=TURN_WAIT_S_MAX):
        raise Unavailable("Too many people are logging in at this moment; try again in a moment.")
    try:
        yield
    finally:
        _TURNS.release()
