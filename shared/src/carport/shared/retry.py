"""Failures of the database that are nobody's fault: which they are, and the one loop of retries.

Three kinds matter. The database is *away*: whoever asked may ask again later, and a message stays
unacknowledged. Two transactions were in each other's way: the loser is rolled back and runs again,
as a whole. Everything else is an error of this transaction and will come again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import stamina
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from carport.shared.errors import Unavailable, Unsettled

Result = TypeVar("Result")
TRIES_MAX = 3
TRYING_S_MAX = 2.0
PAUSE_S_MIN = 0.02
PAUSE_S_MAX = 0.3
JITTER_S = 0.1
COLLISIONS = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: PostgreSQL has rolled back, the same again may succeed."""
LOCK_TIMEOUT = "55P03"
TIMEOUTS = frozenset({LOCK_TIMEOUT, "57014", "25P03"})
"""Of a lock, of a statement, of a transaction that did nothing."""
AWAY_CLASSES = ("08", "53", "57P", "58", "25006")
"""Connection, resources, shutdown and crash, the server's files; that it only reads now."""
AWAY_SQLITE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
})  # fmt: skip
PRIMARY_CODE = 0xFF


def is_away(error: BaseException) -> bool:
    """Whether the database itself could not serve, whatever was asked of it."""
    if isinstance(error, PoolTimeout | Unsettled):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = sqlstate(error)
    return code.startswith(AWAY_CLASSES) if code else has_lost_connection(error)


def is_collision(error: BaseException) -> bool:
    """Whether another transaction was in the way, so that the same again may succeed."""
    return isinstance(error, DBAPIError) and sqlstate(error) in COLLISIONS


def has_timed_out(error: BaseException) -> bool:
    """Whether the transaction was rolled back for waiting, working or resting too long."""
    return isinstance(error, DBAPIError) and sqlstate(error) in TIMEOUTS


def retrying(work: Callable[[], Result]) -> Result:
    """What *work* answers; it is a whole transaction, or several that may each run twice.

    Run again, at most twice and within two seconds, when it collided with another. Raises
    Unavailable when it always does, or when a lock was not free in time: nothing was changed then.
    """
    try:
        for attempt in stamina.retry_context(
            on=is_collision,
            attempts=TRIES_MAX,
            timeout=TRYING_S_MAX,
            wait_initial=PAUSE_S_MIN,
            wait_max=PAUSE_S_MAX,
            wait_jitter=JITTER_S,
        ):
            with attempt:
                return work()
    except DBAPIError as error:
        if sqlstate(error) in COLLISIONS | {LOCK_TIMEOUT}:
            raise Unavailable(
                "Others are changing the same things. Nothing was changed; try again in a moment.",
                retry_after_s=1,
            ) from error
        raise
    raise AssertionError("a retry context ends by an answer or an exception")


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's code of *error*; none from SQLite, or when the connection itself broke."""
    found: str | None = getattr(error.orig, "sqlstate", None)
    return found


def has_lost_connection(error: DBAPIError) -> bool:
    """Of an error without an SQLSTATE: psycopg has none when there is no server to name one."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & PRIMARY_CODE in AWAY_SQLITE
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
