"""How a process is connected to PostgreSQL: nobody waits for ever for a connection, a lock, a
statement or a peer that is gone. What the database's URL says otherwise wins."""

from __future__ import annotations

import select
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from carport.shared import telemetry

CONNECTIONS_KEPT = 5
CONNECTIONS_MAX = 10
WAIT_S_MAX = 2
"""For a free connection, for a new one, for a lock: a request is answered within three seconds."""
STATEMENT_S_MAX = 10
IDLE_S_MAX = 20
"""In a transaction: a process that was paused or cut off holds its locks no longer."""
SILENCE = {"idle": 10, "interval": 5, "count": 3}
"""How a peer that is gone is found out within half a minute, from either side."""
UNACKNOWLEDGED_MS_MAX = 20_000
CLIENT: dict[str, Any] = {
    "connect_timeout": WAIT_S_MAX,
    "keepalives": 1,
    **{f"keepalives_{name}": value for name, value in SILENCE.items()},
    "tcp_user_timeout": UNACKNOWLEDGED_MS_MAX,
}
SESSION: dict[str, Any] = {
    "timezone": "UTC",
    "lock_timeout": f"{WAIT_S_MAX}s",
    "statement_timeout": f"{STATEMENT_S_MAX}s",
    "idle_in_transaction_session_timeout": f"{IDLE_S_MAX}s",
    **{f"tcp_keepalives_{name}": value for name, value in SILENCE.items()},
    "tcp_user_timeout": UNACKNOWLEDGED_MS_MAX,
}
FORGETFUL = (
    "SELECT name FROM pg_settings WHERE setting = 'off' "
    "AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)
log = telemetry.logger("carport.postgres")


def make_engine(url: str, name: str) -> sa.Engine:
    """An engine for *url* whose connections the server shows under *name*."""
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        connect_args=connect_args(sa.make_url(url), name),
        pool_size=CONNECTIONS_KEPT,
        max_overflow=CONNECTIONS_MAX - CONNECTIONS_KEPT,
        pool_timeout=WAIT_S_MAX,
    )
    event.listen(engine, "connect", warn_of_forgetting, once=True)
    event.listen(engine, "checkout", refuse_ended)
    return engine


def connect_args(url: sa.URL, name: str) -> dict[str, Any]:
    """What each connection is opened with; the settings of *url* come last, so that they win."""
    ours = " ".join(f"-c {setting}={value}" for setting, value in SESSION.items())
    theirs = url.query.get("options", "")
    given = {**CLIENT, "application_name": name, **url.query, "options": f"{ours} {theirs}"}
    return {setting: value for setting, value in given.items() if value != ""}


def refuse_ended(connection: Any, record: Any, _proxy: Any) -> None:
    """Have the pool connect anew when the server has ended this connection while nobody used it.

    It says so, and an idle connection hears nothing else: a look at the socket tells, where asking
    the server would cost a round trip for every transaction. A new one is not looked at: were it
    refused too, nobody could tell that from a mistake. Raises InvalidatePoolError.
    """
    is_used, record.info["carport_used"] = "carport_used" in record.info, True
    if is_used and (connection.closed or is_told_something(connection.fileno())):
        raise sa.exc.InvalidatePoolError("the server has ended it")


def is_told_something(socket: int) -> bool:
    """Whether there is something to read, or nobody who could write."""
    look = select.poll()
    look.register(socket, select.POLLIN)
    return bool(look.poll(0))


def warn_of_forgetting(connection: Any, _record: Any) -> None:
    """Say so when the server may lose what it has committed: every promise here rests on it."""
    found = [name for (name,) in connection.execute(FORGETFUL)]
    connection.rollback()
    if found:
        log.warning("this database may lose what was committed", off=found)
