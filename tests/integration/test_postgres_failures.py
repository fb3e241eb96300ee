"""A database that fails, and transactions in each other's way: a request answers no 5xx but a 503
that says what happened, and nothing is lost or done twice."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa
import stamina
from carport.payments import jobs as payment_jobs
from carport.payments.repo import accounts, methods
from carport.payments.service import SERVICE
from carport.shared import jobs, retry, testing
from carport.shared.db import Runtime, make_engine
from carport.shared.idempotency import idempotency_key
from support.postgresql import Copies, conftest_of
from support.proxy import Proxy

payments_tests = conftest_of("payments")
ANSWER_S_MAX = 3.0 + 1.5
"""Three seconds, and what a busy machine adds to them."""
OTHER = payments_tests.OTHER_ACCOUNT


@pytest.fixture(scope="module")
def copies(server):
    made = Copies(server.url.render_as_string(hide_password=False))
    yield made
    made.close()


@pytest.fixture
def settings(copies, tmp_path, monkeypatch):
    monkeypatch.setattr(testing, "databases", copies)
    yield testing.settings("payments", tmp_path)
    copies.drop(tmp_path)


def payments_on(settings):
    engine = make_engine(settings.database_url, "carport-payments-web")
    return payments_tests.Payments(Runtime(SERVICE, settings, engine, payments_tests.Clock()))


@pytest.fixture
def suite(settings):
    """Payments with two accounts of one customer."""
    made = payments_on(settings)
    made.tell("accounts.day_opened.v1", {"date": "2025-05-05", "local_time": "12:00"})
    for account_id, number in ((made.ACCOUNT, made.ACCOUNT_NUMBER), (OTHER, "2200417784")):
        made.board(account_id, number)
        made.snapshot(account_id=account_id)
    yield made
    made.runtime.engine.dispose()


@pytest.fixture
def method(suite):
    return suite.bank_account()


@pytest.fixture
def admin(settings, copies):
    """The superuser's way into the database of the test."""
    database = sa.make_url(settings.database_url).database
    made = sa.create_engine(copies.server.admin.url.set(database=database))
    yield made
    made.dispose()


def order(suite, method, account_id=None, **headers):
    """An order of a customer of both accounts: its answer and how long that took."""
    head = {**suite.head(accounts=(suite.ACCOUNT, OTHER)), **suite.key(), **headers}
    body = {"account_id": account_id or suite.ACCOUNT, "payment_method_id": method["id"],
            "amount": 1_000, "currency": "USD"}  # fmt: skip
    began = time.monotonic()
    with suite.app.test_client() as client:
        answer = client.post("/v1/payments", json=body, headers=head)
    return answer, time.monotonic() - began


def refused(answer, seconds, *, money_moved="no"):
    """It is the 503 of a service that asks to be asked again."""
    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable"), (
        answer.json
    )
    assert answer.json["money_moved"] == money_moved
    assert int(answer.headers["Retry-After"]) > 0
    assert seconds < ANSWER_S_MAX


def ordered(suite):
    """How many payments there are."""
    return suite.rows("SELECT count(*) AS n FROM payment")[0]["n"]


# -- two transactions in each other's way ----------------------------------------------------------


@pytest.fixture
def retries():
    """What was run again, and why."""
    seen = []

    def note(details):
        seen.append(details.caused_by)

    stamina.instrumentation.set_on_retry_hooks([note])
    yield seen
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def crossing(suite, method, admin, monkeypatch):
    """Somebody who holds the way to pay and, as soon as one of ours holds the other account, wants
    that account too: ours, which has waited longer, is the one PostgreSQL rolls back."""
    one_of_ours_holds_it = threading.Event()
    lock_account = accounts.lock

    def lock(tx, account_id):
        found = lock_account(tx, account_id)
        one_of_ours_holds_it.set()
        return found

    def cross():
        with admin.begin() as other:
            other.exec_driver_sql(
                f"SELECT 1 FROM payment_method WHERE id = '{method['id']}' FOR UPDATE"
            )
            holding.set()
            assert one_of_ours_holds_it.wait(10)
            time.sleep(0.1)
            other.exec_driver_sql(f"SELECT 1 FROM account WHERE id = '{OTHER}' FOR UPDATE")

    monkeypatch.setattr(accounts, "lock", lock)
    holding = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        crossed = pool.submit(cross)
        assert holding.wait(10)
        yield
        crossed.result()


def scheduled(suite, method, count):
    """Payments of both accounts for tomorrow."""
    head = suite.head(accounts=(suite.ACCOUNT, OTHER))
    for number in range(count):
        body = {"account_id": (suite.ACCOUNT, OTHER)[number % 2], "date": "2025-05-06",
                "payment_method_id": method["id"], "amount": 2_000, "currency": "USD"}  # fmt: skip
        assert suite.call("POST", "/v1/payments", body, **head).status_code == 202


def states(suite):
    """How many payments are in each state."""
    found = suite.rows("SELECT state, count(*) AS n FROM payment GROUP BY state")
    return {row["state"]: row["n"] for row in found}


def accepted(suite):
    """The payments that were said to be accepted; each once."""
    said = [event["data"]["payment_id"] for event in suite.published("payment_accepted")]
    assert len(said) == len(set(said))
    return said


def test_an_order_that_loses_a_deadlock_runs_again_as_a_whole(suite, method, crossing, retries):
    answer, seconds = order(suite, method, OTHER)
    assert answer.status_code == 202, answer.json
    assert seconds < ANSWER_S_MAX
    assert [retry.is_collision(why) for why in retries] == [True]
    assert states(suite) == {"accepted": 1}
    assert accepted(suite) == [answer.json["id"]]


def test_a_piece_of_a_job_that_loses_a_deadlock_runs_again_as_a_whole(
    suite, method, admin, monkeypatch, retries, request
):
    scheduled(suite, method, 10)
    suite.stand_on(date(2025, 5, 6))
    request.getfixturevalue("crossing")
    assert jobs.run_once(suite.runtime, "worker") == 1
    assert [retry.is_collision(why) for why in retries] == [True]
    assert states(suite) == {"accepted": 10}
    assert len(accepted(suite)) == 10


def test_orders_and_jobs_at_once_lose_nothing_and_fail_nobody(suite, method):
    """No choreography: eight customers order for both accounts while the day's payments begin."""
    scheduled(suite, method, 20)
    suite.stand_on(date(2025, 5, 6))
    with ThreadPoolExecutor(9) as pool:
        running = pool.submit(lambda: [jobs.run_once(suite.runtime, "worker") for _ in range(5)])
        both = (suite.ACCOUNT, OTHER) * 20
        heads = [suite.key() for _ in both]
        asked = [pool.submit(order, suite, method, account, **head)
                 for account, head in zip(both, heads, strict=True)]  # fmt: skip
        answers = [each.result()[0] for each in asked]
        running.result()
    suite.drain()
    assert {answer.status_code for answer in answers} == {202}
    assert states(suite) == {"accepted": 60}
    assert len(accepted(suite)) == 60


@pytest.mark.parametrize("table", ["account", "payment_method"])
def test_a_lock_that_is_not_free_is_waited_for_only_so_long(suite, method, admin, table):
    key = suite.key()
    with admin.begin() as other:
        other.exec_driver_sql(f"SELECT 1 FROM {table} FOR UPDATE")
        refused(*order(suite, method, **key))
    answer, _ = order(suite, method, **key)
    assert (answer.status_code, ordered(suite)) == (202, 1)


def test_a_statement_that_takes_too_long_is_cancelled(settings, suite, method, admin):
    url = f"{settings.database_url}?options=-c%20statement_timeout%3D200ms"
    impatient = payments_on(replace(settings, database_url=url))
    with admin.begin() as other:
        other.exec_driver_sql("SELECT 1 FROM account FOR UPDATE")
        refused(*order(impatient, method, **suite.key()))
    impatient.runtime.engine.dispose()
    assert ordered(suite) == 0


@contextmanager
def worked_on(admin, suite, key):
    """Another process that has begun with *key* and not answered yet."""
    row = {"client": suite.USER, "key": key["Idempotency-Key"], "operation": "POST /v1/payments",
           "content_hash": "x", "created_at": suite.clock()}  # fmt: skip
    with admin.begin() as other:
        other.execute(idempotency_key.insert().values(row))
        yield
        other.rollback()


def test_a_key_that_another_process_works_on_is_waited_for_only_so_long(suite, method, admin):
    key = suite.key()
    with worked_on(admin, suite, key):
        answer, seconds = order(suite, method, **key)
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_in_progress")
    assert (answer.headers["Retry-After"], seconds < ANSWER_S_MAX) == ("1", True)
    assert order(suite, method, **key)[0].status_code == 202


def test_only_a_wait_means_that_a_key_is_worked_on(suite, method, admin, copies):
    key = suite.key()
    with worked_on(admin, suite, key):
        cutting = threading.Timer(0.5, cut_off, (suite, copies, "AND usename <> current_user"))
        cutting.start()
        refused(*order(suite, method, **key))
        cutting.join()


# -- a database that is away -----------------------------------------------------------------------


def cut_off(suite, copies, which=""):
    """End connections to the database of *suite*, as a server does that stops."""
    name = sa.make_url(suite.runtime.settings.database_url).database
    copies.server.sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' {which}"
    )


def test_connections_that_were_cut_between_requests_are_not_noticed(suite, method, copies):
    cut_off(suite, copies)
    answer, _ = order(suite, method)
    assert answer.status_code == 202


def test_a_connection_that_is_cut_in_the_middle_is_told_and_settled_by_the_same_key(
    suite, method, copies, monkeypatch
):
    lock_method, key = methods.lock, suite.key()

    def cut(tx, method_id, **more):
        cut_off(suite, copies)
        return lock_method(tx, method_id, **more)

    with monkeypatch.context() as failing:
        failing.setattr(methods, "lock", cut)
        refused(*order(suite, method, **key))
    assert ordered(suite) == 0
    answer, _ = order(suite, method, **key)
    assert (answer.status_code, ordered(suite)) == (202, 1)


def test_a_server_that_takes_no_connections_is_told_in_time_and_needs_no_restart(
    suite, method, copies
):
    name = sa.make_url(suite.runtime.settings.database_url).database
    copies.server.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    cut_off(suite, copies)
    for _ in range(3):
        refused(*order(suite, method))
    copies.server.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    answer, _ = order(suite, method)
    assert (answer.status_code, ordered(suite)) == (202, 1)


def test_a_server_without_connections_to_spare_is_told_in_time(suite, method, copies):
    role = sa.make_url(suite.runtime.settings.database_url).username
    copies.server.sql(f"ALTER ROLE {role} CONNECTION LIMIT 0")
    cut_off(suite, copies)
    refused(*order(suite, method))
    copies.server.sql(f"ALTER ROLE {role} CONNECTION LIMIT -1")
    answer, _ = order(suite, method)
    assert answer.status_code == 202


def test_a_pool_that_is_used_up_is_told_in_time(suite, method):
    held = [suite.runtime.engine.connect() for _ in range(10)]
    with ThreadPoolExecutor(8) as pool:
        for asked in [pool.submit(order, suite, method) for _ in range(8)]:
            refused(*asked.result())
    for connection in held:
        connection.close()
    answer, _ = order(suite, method)
    assert (answer.status_code, ordered(suite)) == (202, 1)


def test_a_lost_answer_to_the_commit_is_told_as_unknown_and_settled_by_the_same_key(
    settings, suite, method, monkeypatch
):
    url = sa.make_url(settings.database_url)
    proxy = Proxy((url.host, url.port or 5432))
    behind = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    far = payments_on(replace(settings, database_url=behind))
    key, commit = suite.key(), far.runtime.engine.dialect.do_commit

    def lose_the_answer(connection):
        proxy.hold("down")
        threading.Timer(0.3, proxy.cut).start()
        commit(connection)

    with monkeypatch.context() as losing:
        losing.setattr(far.runtime.engine.dialect, "do_commit", lose_the_answer)
        refused(*order(far, method, **key), money_moved="unknown")
    proxy.release()
    assert ordered(suite) == 1, "the server had committed"
    answer, _ = order(far, method, **key)
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (202, "true")
    assert ordered(suite) == 1
    far.runtime.engine.dispose()
    proxy.close()


# -- what every connection is opened with ----------------------------------------------------------


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


def test_the_chunks_of_a_job_are_as_large_as_the_test_thinks():
    assert payment_jobs.BATCH >= 20
