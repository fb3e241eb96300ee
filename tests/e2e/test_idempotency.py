"""One key, one payment: what forty impatient clients get."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.client import contract


@pytest.fixture(scope="module")
def payer(api, staff):
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    customer = api.register(document, f"{uuid.uuid4().hex}@example.com")
    order = {"account_id": account_id, "amount": 58684, "currency": "USD",
             "payment_method_id": customer.add_bank_account()}  # fmt: skip
    return customer, order


def test_forty_parallel_posts_with_one_key_make_one_payment_and_one_answer(payer):
    customer, order = payer
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    before = len(customer.get("/v1/payments")["data"])
    with ThreadPoolExecutor(40) as pool:
        posts = [pool.submit(customer.http.post, "/v1/payments", json=order, headers=headers)
                 for _ in range(40)]  # fmt: skip
        answers = [post.result() for post in posts]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
    assert all(a.json()["code"] == "idempotency_in_progress" for a in answers
               if a.status_code == 409)  # fmt: skip
    assert len(customer.get("/v1/payments")["data"]) == before + 1


def test_the_same_key_with_another_body_is_refused_and_no_money_moves(payer):
    customer, order = payer
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = customer.http.post("/v1/payments", json=order, headers=headers)
    other = customer.http.post("/v1/payments", json=order | {"amount": 1}, headers=headers)
    again = customer.http.post("/v1/payments", json=order, headers=headers)
    assert (first.status_code, other.status_code, again.status_code) == (202, 422, 202)
    assert (other.json()["code"], other.json()["money_moved"]) == ("idempotency_key_reused", "no")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
