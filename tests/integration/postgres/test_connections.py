"""What every connection to the database is opened with."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest
import sqlalchemy as sa
from carport.payments.repo import accounts
from carport.shared.db import make_engine
from support.orders import (
    order,
    payments_on,
)


def test_no_connection_waits_for_ever(suite):
    wanted = {
        "lock_timeout": "2s", "statement_timeout": "10s", "TimeZone": "UTC",
        "idle_in_transaction_session_timeout": "20s", "application_name": "carport-payments-web",
        "synchronous_commit": "on", "tcp_keepalives_idle": "10", "tcp_user_timeout": "20000",
    }  # fmt: skip
    with suite.runtime.reading() as tx:
        assert {name: tx.exec_driver_sql(f"SHOW {name}").scalar() for name in wanted} == wanted
        raw = socket.socket(fileno=os.dup(tx.connection.driver_connection.fileno()))
    silent_s = sum((
        raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
        raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
        * raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    ))  # fmt: skip
    assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert silent_s <= 30
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000
    raw.close()


def test_a_transaction_that_does_nothing_is_ended_and_its_locks_are_free(settings, suite, method):
    url = f"{settings.database_url}?options=-c%20idle_in_transaction_session_timeout%3D300ms"
    paused = payments_on(replace(settings, database_url=url))
    paused_tx = paused.runtime.transaction()
    accounts.lock(paused_tx.__enter__(), suite.ACCOUNT)
    answer, _ = order(suite, method)
    assert answer.status_code == 202
    with pytest.raises(sa.exc.DBAPIError):
        paused_tx.__exit__(None, None, None)
    paused.runtime.engine.dispose()


def look(url):
    """Open the first connection of a process."""
    engine = make_engine(url)
    engine.connect().close()
    engine.dispose()


def test_a_database_that_may_forget_is_complained_of(suite, capfd):
    with suite.runtime.reading() as tx:
        safe = tx.exec_driver_sql("SHOW fsync").scalar() == "on"
    url = f"{suite.runtime.settings.database_url}?options=-c%20synchronous_commit%3Doff"
    capfd.readouterr()
    look(url)
    said = capfd.readouterr().err
    assert "may lose what was committed" in said and "synchronous_commit" in said
    look(suite.runtime.settings.database_url)
    assert ("may lose what was committed" in capfd.readouterr().err) is not safe
