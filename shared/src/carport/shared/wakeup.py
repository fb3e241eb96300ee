"""Waking a service's workers in other processes by PostgreSQL's LISTEN and NOTIFY.

A NOTIFY inside every transaction would serialize the commits of all clients, so it is sent
afterwards, by a thread of its own and at most every ten milliseconds; less often while the process
commits more often than that, when the loops it would wake are awake anyway. One that is lost costs
a second: every loop looks by itself that often.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from carport.shared.db import Wake

CHANNEL = "carport_wake"
COALESCE_S, COALESCE_S_MAX = 0.01, 0.08
MANY = 3
"""Wake-ups in one pause that make the next one longer."""
RECONNECT_S = 1.0
LISTEN_S = 1.0
FAILURES = (psycopg.Error, SQLAlchemyError, OSError)


class PostgresWake(Wake):
    """Wakes this process and, by NOTIFY, the others of the service."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__()
        self._engine = engine
        self._names: list[str] = []
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._closing = threading.Event()
        self._sender: threading.Thread | None = None

    def __call__(self, name: str) -> None:
        """Wake the loop *name* of every worker."""
        super().__call__(name)
        with self._lock:
            self._names.append(name)
            if self._sender is None:  # not before: threads do not survive a fork
                self._sender = threading.Thread(target=self._send, name="notify", daemon=True)
                self._sender.start()
        self._due.set()

    def listen(self) -> None:
        """Wake this process's loops when another process asks for it, in a thread."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()

    def close(self) -> None:
        """End both threads; for a process that ends."""
        self._closing.set()
        self._due.set()

    def _send(self) -> None:
        connection: Any = None
        pause_s = COALESCE_S
        while not self._closing.is_set():
            self._due.wait()
            self._due.clear()
            with self._lock:
                names, self._names = self._names, []
            payload = " ".join(sorted(set(names)))
            pause_s = min(2 * pause_s, COALESCE_S_MAX) if len(names) >= MANY else COALESCE_S
            try:
                connection = connection or self._connect("SET synchronous_commit = off")
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
            except FAILURES:
                connection = None
            self._closing.wait(pause_s)
        if connection:
            connection.close()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                with self._connect(f"LISTEN {CHANNEL}") as connection:
                    self.all()
                    while not self._closing.is_set():
                        for told in connection.notifies(timeout=LISTEN_S, stop_after=1):
                            for name in told.payload.split():
                                super().__call__(name)
            except FAILURES:
                self._closing.wait(RECONNECT_S)

    def _connect(self, begin: str) -> Any:
        """A connection of the engine's settings that its pool forgets, in autocommit; *begin* is
        run on it. To send, nothing has to be safe on disk: what waits is in the outbox."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        connection.autocommit = True
        connection.execute(begin)
        return connection


def connect(engine: sa.Engine) -> Wake:
    """How commits on *engine* wake loops: SQLite has all of them in one process."""
    return PostgresWake(engine) if engine.dialect.name == "postgresql" else Wake()
