"""Migrations as a one-shot role: together, interrupted, beside requests, with no server yet."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa
from carport.shared import migrate, sealed
from carport.shared.db import make_engine
from support.postgresql import Server

START_S_MAX = 60


def service_of(name):
    return importlib.import_module(f"carport.{name}.service").SERVICE


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request, tmp_path, server):
    """The database of payments, empty, as its owner sees it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/payments.db"
        return
    made = Server(server.url.render_as_string(hide_password=False))
    made.create("payments")
    yield made.url("payments", "_owner")
    made.close()


@pytest.fixture
def engine(url):
    made = make_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def start(url, tmp_path):
    """Starts ``python -m carport.payments migrate`` on that database."""
    sealed.write_keys(tmp_path / "keys")
    started = []

    def begin(**env):
        own = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CARPORT")},
            "CARPORT_ENV": "sandbox", "CARPORT_DATABASE_URL": url,
            "CARPORT_SESSIONS_URL": f"sqlite:///{tmp_path}/none.db",
            "CARPORT_PUBLIC_BASE_URL": "https://carport.example.com",
            "CARPORT_PAYMENTS_KEYS_FILE": str(tmp_path / "keys" / "payments.json"),
            **env,
        }  # fmt: skip
        command = [sys.executable, "-m", "carport.payments", "migrate"]
        started.append(subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def finished(process):
    """The exit status, once it is there."""
    _, said = process.communicate(timeout=START_S_MAX)
    assert process.returncode == 0, said


def is_complete(engine):
    with engine.connect() as connection:
        return migrate.difference(connection, service_of("payments")) == []


def test_four_that_start_together_migrate_once_and_all_succeed(start, engine):
    for process in [start() for _ in range(4)]:
        finished(process)
    assert is_complete(engine)


def test_one_that_is_killed_in_the_middle_leaves_nothing_and_is_run_again(start, engine):
    killed = start(CARPORT_FAILPOINT="migrate.before_commit:kill")
    killed.communicate(timeout=START_S_MAX)
    assert killed.returncode == -signal.SIGKILL
    assert sa.inspect(engine).get_table_names() == []
    migrate.upgrade_spine(engine)
    killed = start(CARPORT_FAILPOINT="migrate.before_commit:kill")
    killed.communicate(timeout=START_S_MAX)
    assert killed.returncode == -signal.SIGKILL
    found = sa.inspect(engine).get_table_names()
    assert "outbox" in found and "payment" not in found
    for _ in range(2):
        finished(start())
        assert is_complete(engine)


def test_one_that_starts_before_the_database_waits_for_it(database_url):
    url = sa.make_url(database_url)
    admin = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    allow = f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"{allow} false")
    migrating, failed = migrate_in_thread(make_engine(database_url))
    time.sleep(1)
    assert migrating.is_alive()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"{allow} true")
    migrating.join(START_S_MAX)
    assert failed == []
    admin.dispose()


def migrate_in_thread(engine):
    """A thread that migrates payments, and what went wrong in it."""
    failed = []

    def work():
        try:
            migrate.upgrade(engine, service_of("payments"))
        except sa.exc.SQLAlchemyError as error:
            failed.append(error)
        finally:
            engine.dispose()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, failed


def test_a_table_that_requests_hold_is_asked_for_again_and_again_and_holds_up_nobody(database_url):
    engine = make_engine(database_url)
    migrate.upgrade(engine, service_of("payments"), "0001")
    with engine.connect() as held:
        held.exec_driver_sql("SELECT count(*) FROM processor_call")
        migrating, failed = migrate_in_thread(make_engine(database_url))
        slowest = 0.0
        for _ in range(40):
            began = time.monotonic()
            with engine.connect() as other:
                other.exec_driver_sql("SELECT count(*) FROM processor_call")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.1)
        assert migrating.is_alive()
    migrating.join(START_S_MAX)
    assert failed == []
    assert slowest < 1.5, "requests queue behind whoever waits for their table"
    assert is_complete(engine)
    engine.dispose()
