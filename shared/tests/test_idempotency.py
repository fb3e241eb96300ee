"""One key, one effect, one answer: byte for byte, whatever happens in between."""

from __future__ import annotations

import json
import threading
import time

import pytest
import sqlalchemy as sa
from carport.shared import idempotency, testing, web
from carport.shared.idempotency import idempotency_key

GOOD = {"text": "hello", "amount": 100}


@pytest.fixture
def send(client, customer, account_id):
    def post(body, key="key-1", headers=None, path=None):
        address = path or f"/v1/accounts/{account_id}/notes"
        return client.post(
            address, json=body, headers={**(headers or customer), "Idempotency-Key": key}
        )

    return post


@pytest.fixture
def count(runtime):
    def rows(table="note"):
        with runtime.reading() as tx:
            return tx.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar()

    return rows


def test_a_repeated_request_gets_the_first_answer_byte_for_byte(send, count):
    first, second = send(GOOD), send(GOOD)
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert count() == 1


def test_the_order_of_members_and_blanks_make_no_other_request(send, count):
    send({"text": "hello", "amount": 100})
    assert send({"amount": 100, "text": "hello"}).headers["Idempotency-Replayed"] == "true"
    assert count() == 1


def test_another_key_is_another_request(send, count):
    send(GOOD, "key-1")
    send(GOOD, "key-2")
    assert count() == 2


def test_another_user_may_have_the_same_key(send, runtime, account_id, count):
    send(GOOD)
    other = testing.bearer(runtime, accounts=[account_id])
    assert "Idempotency-Replayed" not in send(GOOD, headers=other).headers
    assert count() == 2


def test_the_same_key_with_other_content_is_422_and_changes_nothing(send, count):
    send(GOOD)
    response = send({**GOOD, "amount": 101})
    assert (response.status_code, response.json["code"]) == (422, "idempotency_key_reused")
    assert count() == 1


@pytest.mark.parametrize("key", ["", "   ", "x" * 256, "a,b", "a b", "caf\xe9", "tab\there"])
def test_a_key_that_is_none_is_400(send, count, key):
    response = send(GOOD, key)
    assert response.status_code == 400
    assert response.json["code"] in ("idempotency_key_required", "idempotency_key_invalid")
    assert count() == 0


def test_a_key_of_255_characters_is_fine(send):
    assert send(GOOD, "x" * 255).status_code == 201


def test_a_business_refusal_is_kept_and_its_partial_work_is_not(send, count):
    first, second = send({**GOOD, "text": "conflict"}), send({**GOOD, "text": "conflict"})
    assert first.status_code == second.status_code == 409
    assert first.data == second.data
    assert second.content_type == "application/problem+json"
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count() == 0
    assert count("idempotency_key") == 1


def test_a_refused_body_leaves_the_key_free_for_the_corrected_one(send, count):
    assert send({**GOOD, "amount": 0}).status_code == 422
    assert send(GOOD).status_code == 201
    assert count() == 1


def test_a_defect_leaves_nothing_behind_so_that_a_retry_can_succeed(send, count):
    assert send({**GOOD, "text": "defect"}).status_code == 500
    assert count() == 0
    assert count("idempotency_key") == 0


def test_forty_at_once_are_one(runtime, client, customer, account_id, count):
    app = web.create_app(runtime)
    answers = []

    def post():
        with app.test_client() as one:
            answers.append(
                one.post(
                    f"/v1/accounts/{account_id}/notes",
                    json=GOOD,
                    headers={**customer, "Idempotency-Key": "k"},
                )
            )

    threads = [threading.Thread(target=post) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert count() == 1


def test_a_second_request_waits_two_seconds_for_the_first_and_then_says_so(runtime):
    in_flight = idempotency.InFlight()
    asked = idempotency.Request("me", "k", "POST /x", "hash")
    begun, finish = threading.Event(), threading.Event()

    def slow(_tx):
        begun.set()
        finish.wait(10)
        return idempotency.Answer(201, "{}")

    def first():
        idempotency.once(runtime, in_flight, asked, slow, lambda error: None)

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait(5)
    started = time.monotonic()
    with pytest.raises(idempotency.Conflict) as refused:
        idempotency.once(runtime, in_flight, asked, slow, lambda error: None)
    waited = time.monotonic() - started
    finish.set()
    thread.join()
    assert refused.value.code == "idempotency_in_progress"
    assert refused.value.headers["Retry-After"] == "1"
    assert 1.9 < waited < 3
    answer = idempotency.once(runtime, in_flight, asked, slow, lambda error: None)
    assert answer.is_replayed


def test_the_stored_answer_is_json_text(runtime, send):
    body = send(GOOD).data.decode()
    with runtime.reading() as tx:
        row = tx.execute(sa.select(idempotency_key)).one()
    assert (row.status, row.body) == (201, body)
    assert json.loads(row.body)["text"] == "hello"
