"""Payments on a real PostgreSQL, two accounts of one customer: orders, and what became of them."""

from __future__ import annotations

import time

import sqlalchemy as sa
from carport.payments.service import SERVICE
from carport.shared.db import Runtime, make_engine

from support.postgresql import conftest_of

payments_tests = conftest_of("payments")
ANSWER_S_MAX = 3.0 + 1.5
"""Three seconds, and what a busy machine adds to them."""
OTHER = payments_tests.OTHER_ACCOUNT


def payments_on(settings):
    engine = make_engine(settings.database_url, "carport-payments-web")
    return payments_tests.Payments(Runtime(SERVICE, settings, engine, payments_tests.Clock()))


def with_two_accounts(made):
    """*made* with two accounts of one customer."""
    made.tell("accounts.day_opened.v1", {"date": "2025-05-05", "local_time": "12:00"})
    for account_id, number in ((made.ACCOUNT, made.ACCOUNT_NUMBER), (OTHER, "2200417784")):
        made.board(account_id, number)
        made.snapshot(account_id=account_id)
    return made


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


def cut_off(suite, copies, which=""):
    """End connections to the database of *suite*, as a server does that stops."""
    name = sa.make_url(suite.runtime.settings.database_url).database
    copies.server.sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' {which}"
    )
