"""What customers do, through the gateway's public API, whichever way the suite is run.

Each journey takes the API and somebody of the staff, and brings a customer and a contract of its
own; those that let days pass say so.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import httpx2

from support.client import PASSWORD, SAMPLE_LEASE, Api, contract, eventually, key

HEARD_S_MAX = 10.0
Order = dict[str, Any]
FORM_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def boardable(api: Api) -> dict[str, Any]:
    """A contract of today, first due in 54 days."""
    today = api.today()
    return contract(contract_date=today, first_due_date=after(today, 54))


def after(day: str, number: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=number)).isoformat()


def pay_the_instalment(api: Api, staff: Api) -> None:
    """Register, see, pay, be told, log out."""
    document = boardable(api)
    account_id = staff.board(document)["id"]
    address = email()
    customer = api.register(document, address)

    (account,) = customer.get("/v1/accounts")["data"]
    assert (account["id"], account["payment"], account["past_due"]) == (account_id, 58684, 0)

    payment = customer.pay(account_id, customer.add_bank_account(), 58684)
    assert payment["state"] == "accepted"
    posted = customer.until(payment["id"], "posted")
    assert (posted["amount"], posted["money_moved"]) == (58684, "yes")
    assert sum(v for v in posted["allocation"].values()) == 58684

    def told(message):
        return message["why"]["event_type"] == "accounts.payment_posted.v1"

    message = eventually(lambda: [m for m in customer.get("/v1/messages")["data"] if told(m)])[0]
    assert "$586.84" in message["body"]
    number = payment["confirmation_number"]
    receipts = eventually(lambda: [m for m in api.mails(address) if number in m["text"]])
    assert ["$586.84" in receipt["text"] for receipt in receipts] == [True]

    newest = customer.get(f"/v1/accounts/{account_id}/transactions")["data"][0]
    assert (newest["type"], newest["amount"], newest["payment_id"]) == (
        "payment", 58684, payment["id"])  # fmt: skip

    assert customer.http.delete("/v1/auth/sessions/current").status_code == 204
    refused = customer.http.get("/v1/accounts")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"


def hear_of_a_payment(api: Api, staff: Api) -> None:
    """The receipt is an event of an open stream; one that comes back later gets it again."""
    document = boardable(api)
    account_id = staff.board(document)["id"]
    customer = api.register(document, email())
    method_id = customer.add_bank_account()
    with listening(customer) as events:
        payment = customer.pay(account_id, method_id, 58684)
        told_at = time.monotonic()
        number, message = next((n, m) for n, m in events if is_receipt(m))
        assert time.monotonic() - told_at < HEARD_S_MAX
    assert payment["confirmation_number"] in message["body"]
    assert message == customer.get(f"/v1/messages/{message['id']}")
    with listening(customer, {"Last-Event-ID": str(number - 1)}) as events:
        assert next(events) == (number, message)


def is_receipt(message: dict[str, Any]) -> bool:
    return message["why"]["event_type"] == "accounts.payment_posted.v1"


@contextmanager
def listening(
    customer: Api, seen: dict[str, str] | None = None
) -> Iterator[Iterator[tuple[int, dict[str, Any]]]]:
    """The events of an open stream."""
    headers = {"Accept": "text/event-stream", **(seen or {})}
    with customer.http.stream("GET", "/v1/messages/stream", headers=headers) as answer:
        lines = answer.iter_lines()
        assert answer.status_code == 200, answer.status_code
        assert next(lines).startswith("retry: ")
        yield events_of(lines)


def events_of(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and message."""
    number = 0
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            yield number, json.loads(value)


def look_at_the_lease_end(api: Api, staff: Api) -> None:
    """The options with their reasons, and the buyout figure."""
    document = contract(SAMPLE_LEASE)
    account_id = staff.board(document)["id"]
    lessee = api.register(document, email())
    lease = eventually(lambda: lessee.http.get(f"/v1/leases/{account_id}").json()
                       if lessee.http.get(f"/v1/leases/{account_id}").status_code == 200
                       else None)  # fmt: skip
    assert lease["maturity_date"] == "2028-01-01"
    assert {option["type"] for option in lease["options"]} == {"extend", "buyout", "turn_in"}
    assert all(option["open"] or option["reasons"] for option in lease["options"])
    assert lease["buyout"]["amount"] == sum(lease["buyout"]["parts"].values())


def sign_in_at_the_portal(api: Api, staff: Api) -> None:
    """See the account on a page, pay nothing, sign out."""
    document, address = boardable(api), email()
    staff.board(document)
    api.register(document, address)
    headers = {"Origin": api.url}
    with httpx2.Client(base_url=api.url, headers=headers, trust_env=False, timeout=30) as browser:
        credentials = {"user_id": address, "password": PASSWORD}
        landed = send_form(browser, "/login", credentials)
        assert "Sportage" in browser.get(landed).text
        send_form(browser, "/logout", {}, on=landed)
        assert browser.get(landed).headers["location"].startswith("/login")


def send_form(browser: httpx2.Client, path: str, fields: dict[str, str], on: str = "") -> str:
    """Where the form on a page leads to."""
    page = browser.get(on or path)
    token = FORM_TOKEN.search(page.text)
    assert token, page.text
    answer = browser.post(path, data={**fields, "csrf_token": token[1]})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def customer_of(api: Api, staff: Api) -> tuple[Api, str, dict[str, Any]]:
    document = boardable(api)
    account_id = staff.board(document)["id"]
    return api.register(document, email()), account_id, document


def orderer(api: Api, staff: Api) -> tuple[Api, Order]:
    """A customer, and an order that may be sent."""
    customer, account_id, _ = customer_of(api, staff)
    return customer, {"account_id": account_id, "amount": 58684, "currency": "USD",
                      "payment_method_id": customer.add_bank_account()}  # fmt: skip


def send_one_key_forty_times(api: Api, staff: Api) -> None:
    """In parallel: one payment, one answer."""
    customer, order = orderer(api, staff)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    before = len(customer.get("/v1/payments")["data"])
    with ThreadPoolExecutor(40) as pool:
        posts = [pool.submit(customer.http.post, "/v1/payments", json=order, headers=headers)
                 for _ in range(40)]  # fmt: skip
        answers = [post.result() for post in posts]
    told = {(a.status_code, a.json().get("code")) for a in answers}
    assert told <= {(202, None), (409, "idempotency_in_progress")}
    assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
    assert len(customer.get("/v1/payments")["data"]) == before + 1


def send_one_key_with_another_body(api: Api, staff: Api) -> None:
    """Refused, and no money moves."""
    customer, order = orderer(api, staff)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = customer.http.post("/v1/payments", json=order, headers=headers)
    other = customer.http.post("/v1/payments", json=order | {"amount": 1}, headers=headers)
    again = customer.http.post("/v1/payments", json=order, headers=headers)
    assert (first.status_code, other.status_code, again.status_code) == (202, 422, 202)
    assert (other.json()["code"], other.json()["money_moved"]) == ("idempotency_key_reused", "no")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"


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


def pay_in_every_way(api: Api, staff: Api) -> None:
    """Every way money comes, stays away and goes back; lets three days pass."""
    customer, account_id, document = customer_of(api, staff)
    bank, today = customer.add_bank_account(), api.today()

    declined = customer.pay(account_id, card(customer, "tok_declined"), 5000)
    assert declined["state"] == "processing"
    failed = customer.until(declined["id"], "failed")
    assert (failed["reason"]["code"], failed["money_moved"]) == ("card_declined", "no")

    late = customer.pay(account_id, card(customer, "tok_timeout"), 6000)
    states = [s["state"] for s in customer.until(late["id"], "posted")["history"]]
    assert states == ["processing", "unknown", "accepted", "posted"]

    by_mail = cheque(api, document, 7000, "881")
    assert customer.until(by_mail["id"], "posted")["payment_method"]["type"] == "cheque"

    dropped = customer.pay(account_id, bank, 8000)
    customer.until(dropped["id"], "posted")
    path = f"/v1/payments/{dropped['id']}/cancellation"
    assert customer.send("POST", path, idempotent=False)["state"] == "cancelled"

    bounced = customer.pay(account_id, bank, 9000)
    customer.until(bounced["id"], "posted")
    scheduled = customer.pay(account_id, bank, 10000, date=after(today, 3))
    assert scheduled["state"] == "scheduled"

    api.move_to(after(today, 2))
    assert customer.get(f"/v1/payments/{bounced['id']}")["settlement"] in ("submitted", "settled")
    assert send_back(api, bounced, "R01") == {"status": "applied"}
    api.move_to(after(today, 3))
    customer.until(scheduled["id"], "posted")

    kinds = [t["type"] for t in customer.get(f"/v1/accounts/{account_id}/transactions")["data"]]
    assert kinds.count("payment_reversal") == 2
    assert kinds.count("payment") == 5


def pay_off(api: Api, staff: Api) -> None:
    """To the cent, which closes the account, until the money comes back; lets 13 days pass."""
    customer, account_id, _ = customer_of(api, staff)
    bank = customer.add_bank_account()
    first = customer.pay(account_id, bank, 58684)
    customer.until(first["id"], "posted")
    api.move_to(after(api.today(), 13))

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

    assert send_back(api, payoff, "R01") == {"status": "applied"}
    eventually(lambda: customer.get(f"/v1/accounts/{account_id}")["status"] == "active")
