"""The way to a Valkey server, or another that speaks its protocol. One that is silent is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

SILENT_S = 0.2
ADDRESS = re.compile(r"^(valkey|redis)(s?://)")


def is_address(where: object) -> bool:
    """Whether *where* is the address of such a server."""
    return isinstance(where, str) and ADDRESS.match(where) is not None


def client(url: str, *, silent_s: float = SILENT_S) -> Redis:
    """A client that connects when it is first used. A connection that broke is opened again at
    once; a server that does not answer in time is not asked twice."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as Broken
    from redis.retry import Retry

    return Redis.from_url(
        ADDRESS.sub(r"redis\2", url),
        socket_timeout=silent_s,
        socket_connect_timeout=silent_s,
        retry=Retry(NoBackoff(), 1, (Broken,)),
        driver_info=None,
    )


@contextmanager
def away_as(problem: Callable[[], Exception]) -> Iterator[None]:
    """Raises *problem* for whatever the server does not do."""
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as error:
        raise problem() from error
