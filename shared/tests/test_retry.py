"""Which failures of the database are worth another try, and how often it is made."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from carport.shared import retry
from carport.shared.errors import Unavailable, Unsettled
from psycopg import errors as pg
from sqlalchemy import exc


def wrapped(kind, error, *, lost=False):
    return kind("SELECT 1", None, error, connection_invalidated=lost)


def sqlite_error(code):
    error = sqlite3.OperationalError("as it says")
    error.sqlite_errorcode = code
    return error


REFUSED = psycopg.OperationalError("connection refused")
AWAY = {
    "no server answers": wrapped(exc.OperationalError, REFUSED),
    "the connection was closed": wrapped(exc.InterfaceError, psycopg.InterfaceError("closed")),
    "the connection broke": wrapped(exc.DBAPIError, psycopg.Error("lost"), lost=True),
    "the server shuts down": wrapped(exc.OperationalError, pg.AdminShutdown()),
    "the server crashed": wrapped(exc.OperationalError, pg.CrashShutdown()),
    "the server starts": wrapped(exc.OperationalError, pg.CannotConnectNow()),
    "too many connections": wrapped(exc.OperationalError, pg.TooManyConnections()),
    "the server only reads": wrapped(exc.InternalError, pg.ReadOnlySqlTransaction()),
    "the disk is full": wrapped(exc.OperationalError, pg.DiskFull()),
    "no connection is free here": exc.TimeoutError("QueuePool limit"),
    "SQLite is locked": wrapped(exc.OperationalError, sqlite_error(sqlite3.SQLITE_BUSY)),
    "SQLite is locked by a snapshot": wrapped(exc.OperationalError, sqlite_error(517)),
    "the answer to a commit was lost": Unsettled(),
}
OURS = {
    "a deadlock": wrapped(exc.OperationalError, pg.DeadlockDetected()),
    "a statement was too slow": wrapped(exc.OperationalError, pg.QueryCanceled()),
    "a transaction was idle": wrapped(exc.InternalError, pg.IdleInTransactionSessionTimeout(),
                                      lost=True),
    "a duplicate": wrapped(exc.IntegrityError, pg.UniqueViolation()),
    "no such table": wrapped(exc.ProgrammingError, pg.UndefinedTable()),
    "text with a NUL": wrapped(exc.DataError, psycopg.DataError("NUL")),
    "no such table of SQLite": wrapped(exc.OperationalError, sqlite_error(sqlite3.SQLITE_ERROR)),
    "a value SQLite does not know": wrapped(exc.InterfaceError, sqlite3.InterfaceError("bind")),
    "a defect": RuntimeError("defect"),
    "a busy moment": Unavailable(),
}  # fmt: skip


@pytest.mark.parametrize("error", AWAY.values(), ids=AWAY)
def test_the_database_is_away(error):
    assert retry.is_away(error)


@pytest.mark.parametrize("error", OURS.values(), ids=OURS)
def test_an_error_of_the_transaction_does_not_mean_that_the_database_is_away(error):
    assert not retry.is_away(error)


class Failing:
    """Work that fails with each of *errors* once, then succeeds."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.runs = 0

    def __call__(self):
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


DEADLOCK = OURS["a deadlock"]
UNSERIALIZABLE = wrapped(exc.OperationalError, pg.SerializationFailure())


def test_what_collided_runs_again():
    work = Failing(DEADLOCK, UNSERIALIZABLE)
    assert (retry.retrying(work), work.runs) == ("done", 3)


def test_what_always_collides_is_told_as_unavailable_after_three_tries():
    work = Failing(*[DEADLOCK] * 5)
    with pytest.raises(Unavailable, match="Nothing was changed") as told:
        retry.retrying(work)
    assert (work.runs, told.value.headers["Retry-After"]) == (3, "1")


def test_a_lock_that_is_not_free_in_time_was_waited_for_already():
    work = Failing(wrapped(exc.OperationalError, pg.LockNotAvailable()))
    with pytest.raises(Unavailable, match="Nothing was changed"):
        retry.retrying(work)
    assert work.runs == 1


@pytest.mark.parametrize("name", ["a statement was too slow", "a duplicate", "a defect"])
def test_an_error_that_would_come_again_is_not_tried_again(name):
    work = Failing(OURS[name])
    with pytest.raises(type(OURS[name])):
        retry.retrying(work)
    assert work.runs == 1


def test_a_database_that_is_away_is_not_asked_again_at_once():
    work = Failing(AWAY["no server answers"])
    with pytest.raises(exc.OperationalError):
        retry.retrying(work)
    assert work.runs == 1
