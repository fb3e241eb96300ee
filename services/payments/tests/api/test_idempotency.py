"""One key, one payment: however often, however many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

THREADS = 40


def body(suite, method, **changes):
    return {
        "account_id": suite.ACCOUNT, "payment_method_id": method["id"], "amount": 100,
        "currency": "USD", **changes,
    }  # fmt: skip


def test_forty_requests_at_once_with_one_key_make_one_payment(suite):
    order, head = body(suite, suite.bank_account()), suite.head()
    ready = Barrier(THREADS)

    def send(_):
        ready.wait()
        client = suite.app.test_client()
        return client.post("/v1/payments", json=order, headers={**head, "Idempotency-Key": "one"})

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(send, range(THREADS)))
    done = [a for a in answers if a.status_code == 202]
    busy = [a for a in answers if a.status_code == 409]
    assert len(done) + len(busy) == THREADS
    assert done
    assert len({a.data for a in done}) == 1
    assert sum("Idempotency-Replayed" in a.headers for a in done) == len(done) - 1
    assert all(a.json["code"] == "idempotency_in_progress" for a in busy)
    assert all(a.headers["Retry-After"] == "1" for a in busy)
    assert len(suite.rows("SELECT 1 FROM payment")) == 1
    assert len(suite.published("payment_accepted")) == 1


def test_forty_orders_at_once_with_keys_of_their_own_never_exceed_the_payoff(suite):
    order = body(suite, suite.bank_account(), amount=suite.PAYOFF // 2)
    head = suite.head()

    def send(n):
        client = suite.app.test_client()
        headers = {**head, "Idempotency-Key": f"own-{n}"}
        return client.post("/v1/payments", json=order, headers=headers).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        answers = sorted(pool.map(send, range(THREADS)))
    assert answers == [202] * 2 + [422] * (THREADS - 2)


def test_the_first_answer_comes_again_also_after_the_payment_has_moved_on(suite):
    order, head = body(suite, suite.bank_account()), {"Idempotency-Key": "again"}
    first = suite.call("POST", "/v1/payments", order, **head)
    suite.post(first.json)
    again = suite.call("POST", "/v1/payments", order, **head)
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("changes", [{"amount": 101}, {"extra": "next_due"}])
def test_another_order_with_the_same_key_is_refused(suite, changes):
    method, head = suite.bank_account(), {"Idempotency-Key": "same"}
    suite.call("POST", "/v1/payments", body(suite, method), **head)
    answer = suite.call("POST", "/v1/payments", body(suite, method, **changes), **head)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert answer.json["money_moved"] == "no"


def test_another_operation_with_the_same_key_is_refused(suite):
    method, head = suite.bank_account(), {"Idempotency-Key": "same"}
    suite.call("POST", "/v1/payments", body(suite, method), **head)
    card = {"type": "card", "processor_token": "tok_visa"}
    answer = suite.call("POST", "/v1/payment-methods", card, **head)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_keys_of_different_people_never_meet(suite):
    order, head = body(suite, suite.bank_account()), {"Idempotency-Key": "shared"}
    suite.call("POST", "/v1/payments", order, **head)
    stranger = suite.head("0197a3c2-0098-7abc-8def-0123456789ab", accounts=[suite.ACCOUNT])
    answer = suite.call("POST", "/v1/payments", order, **head, **stranger)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_business_refusal_is_stored_and_a_validation_error_is_not(suite):
    method, head = suite.bank_account(), {"Idempotency-Key": "later"}
    wrong = suite.call("POST", "/v1/payments", body(suite, method, amount=0), **head)
    assert wrong.status_code == 422
    suite.snapshot(version=2, status="paid_off")
    closed = suite.call("POST", "/v1/payments", body(suite, method), **head)
    assert closed.json["code"] == "account_not_payable"
    suite.snapshot(version=3)
    again = suite.call("POST", "/v1/payments", body(suite, method), **head)
    assert again.data == closed.data


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_required"),
        (" ", "idempotency_key_required"),
        ("k" * 256, "idempotency_key_invalid"),
        ("key one", "idempotency_key_invalid"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/payments", "/v1/payment-methods"])
def test_a_proper_key_is_required(suite, path, key, code):
    head = {**suite.head(), **({} if key is None else {"Idempotency-Key": key})}
    answer = suite.http.post(path, json={}, headers=head)
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_crash_before_the_commit_leaves_nothing_and_the_key_free(suite, monkeypatch):
    order, head = body(suite, suite.bank_account()), {"Idempotency-Key": "crash"}
    monkeypatch.setenv("CARPORT_FAILPOINT", "idempotency.before_commit:raise")
    answer = suite.call("POST", "/v1/payments", order, **head)
    assert (answer.status_code, answer.json["money_moved"]) == (500, "unknown")
    assert suite.rows("SELECT 1 FROM payment") == []
    assert suite.published("payment_accepted") == []
    monkeypatch.delenv("CARPORT_FAILPOINT")
    assert suite.call("POST", "/v1/payments", order, **head).status_code == 202


def test_a_crash_after_the_commit_is_answered_by_the_retry(suite, monkeypatch):
    order, head = body(suite, suite.bank_account()), {"Idempotency-Key": "crash"}
    monkeypatch.setenv("CARPORT_FAILPOINT", "idempotency.after_commit:raise")
    answer = suite.call("POST", "/v1/payments", order, **head)
    assert (answer.status_code, answer.json["money_moved"]) == (500, "unknown")
    monkeypatch.delenv("CARPORT_FAILPOINT")
    again = suite.call("POST", "/v1/payments", order, **head)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert len(suite.rows("SELECT 1 FROM payment")) == 1
