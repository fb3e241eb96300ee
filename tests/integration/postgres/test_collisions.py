"""Transactions in each other's way: a request answers no 5xx but a 503 that says what happened, and
nothing is lost or done twice."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
import stamina
from carport.payments import jobs as payment_jobs
from carport.payments.repo import accounts
from carport.shared import jobs, retry
from carport.shared.idempotency import idempotency_key
from support.orders import (
    ANSWER_S_MAX,
    OTHER,
    accepted,
    cut_off,
    order,
    ordered,
    payments_on,
    refused,
    scheduled,
    states,
)


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


def test_the_chunks_of_a_job_are_as_large_as_the_test_thinks():
    assert payment_jobs.BATCH >= 20
