"""Every way money comes, stays away and goes back, over several days of a suite of its own."""

from __future__ import annotations

import uuid

import pytest
from support.client import Api, contract, eventually, key
from support.running import Running


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("pay") / "var").start()
    yield Api(running.url)
    running.kill()


def customer_of(api: Api, staff: Api):
    document = contract(contract_date=api.today(), first_due_date="2025-02-24")
    account_id = staff.board(document)["id"]
    return api.register(document, f"{uuid.uuid4().hex}@example.com"), account_id, document


def cheque(api: Api, document, amount, number):
    body = {"account_number": document["account_number"], "amount": amount,
            "cheque_number": number}  # fmt: skip
    return eventually(lambda: [a for a in [api.http.post("/v1/sandbox/lockbox", json=body)]
                               if a.status_code == 202])[0].json()  # fmt: skip


def send_back(api: Api, payment, code):
    body = {"payment_id": payment["id"], "code": code}
    return api.send("POST", "/v1/sandbox/bank/returns", body, idempotent=False)


def card(customer: Api, token: str) -> str:
    return customer.post("/v1/payment-methods", {"type": "card", "processor_token": token})["id"]


def test_every_way_money_comes_stays_away_and_goes_back(world):
    staff = world.staff()
    customer, account_id, document = customer_of(world, staff)
    bank = customer.add_bank_account()

    declined = customer.pay(account_id, card(customer, "tok_declined"), 5000)
    assert declined["state"] == "processing"
    failed = customer.until(declined["id"], "failed")
    assert (failed["reason"]["code"], failed["money_moved"]) == ("card_declined", "no")

    late = customer.pay(account_id, card(customer, "tok_timeout"), 6000)
    states = [s["state"] for s in customer.until(late["id"], "posted")["history"]]
    assert states == ["processing", "unknown", "accepted", "posted"]

    by_mail = cheque(world, document, 7000, "881")
    assert customer.until(by_mail["id"], "posted")["payment_method"]["type"] == "cheque"

    dropped = customer.pay(account_id, bank, 8000)
    customer.until(dropped["id"], "posted")
    path = f"/v1/payments/{dropped['id']}/cancellation"
    assert customer.send("POST", path, idempotent=False)["state"] == "cancelled"

    bounced = customer.pay(account_id, bank, 9000)
    customer.until(bounced["id"], "posted")
    scheduled = customer.pay(account_id, bank, 10000, date="2025-01-04")
    assert scheduled["state"] == "scheduled"

    world.move_to("2025-01-03")
    assert customer.get(f"/v1/payments/{bounced['id']}")["settlement"] in ("submitted", "settled")
    assert send_back(world, bounced, "R01") == {"status": "applied"}
    world.move_to("2025-01-04")
    customer.until(scheduled["id"], "posted")

    kinds = [t["type"] for t in customer.get(f"/v1/accounts/{account_id}/transactions")["data"]]
    assert kinds.count("payment_reversal") == 2
    assert kinds.count("payment") == 5


def test_the_payoff_of_any_day_is_taken_to_the_cent_and_closes_the_account(world):
    staff = world.staff()
    customer, account_id, _ = customer_of(world, staff)
    bank = customer.add_bank_account()
    first = customer.pay(account_id, bank, 58684)
    customer.until(first["id"], "posted")
    world.move_to("2025-01-17")

    account = customer.get(f"/v1/accounts/{account_id}")
    body = {"account_id": account_id, "payment_method_id": bank, "currency": "USD",
            "amount": account["payoff"] + 1}  # fmt: skip
    refused = customer.http.post("/v1/payments", json=body, headers=key())
    assert (refused.status_code, refused.json()["code"]) == (422, "exceeds_payoff")
    assert refused.json()["money_moved"] == "no"

    payoff = customer.pay(account_id, bank, account["payoff"])
    customer.until(payoff["id"], "posted")
    closed = customer.get(f"/v1/accounts/{account_id}")
    assert (closed["status"], closed["balance"]) == ("paid_off", 0)

    def order_again():
        answer = customer.http.post("/v1/payments", json={**body, "amount": 1}, headers=key())
        return answer.json()["code"] == "account_not_payable"

    eventually(order_again, "payments to know that the account is closed")

    assert send_back(world, payoff, "R01") == {"status": "applied"}
    eventually(lambda: customer.get(f"/v1/accounts/{account_id}")["status"] == "active")
