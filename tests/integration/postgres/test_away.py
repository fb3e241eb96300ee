"""A database that is away: every request is told so in time and nothing is lost or done twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import sqlalchemy as sa
from carport.payments.repo import methods
from carport.shared import postgres
from support.orders import (
    cut_off,
    order,
    ordered,
    payments_on,
    refused,
)
from support.proxy import Proxy


def test_connections_that_were_cut_between_requests_are_not_noticed(suite, method, copies):
    cut_off(suite, copies)
    answer, _ = order(suite, method)
    assert answer.status_code == 202


def test_a_server_that_ends_even_new_connections_is_told_in_time(
    suite, method, copies, monkeypatch
):
    monkeypatch.setattr(postgres, "is_told_something", lambda _socket: True)
    for _ in range(3):
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


def test_a_server_that_only_reads_is_told_in_time_and_needs_no_restart(suite, method, copies):
    name = sa.make_url(suite.runtime.settings.database_url).database
    copies.server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    cut_off(suite, copies)
    refused(*order(suite, method))
    copies.server.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    cut_off(suite, copies)
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
