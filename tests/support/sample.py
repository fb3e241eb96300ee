"""Databases in which everything has happened that `verify` looks at, made once by the services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
from carport.allinone import suite as allinone
from carport.allinone.suite import Suite

from support.client import SAMPLE_LEASE, Api, contract, eventually

LAST_DAY = "2025-02-03"
OLD = {"contract_date": "2022-04-01", "first_due_date": "2022-04-01"}
"""A lease that nears its end."""


def make(folder: Path) -> None:
    """A month of payments of every kind, in SQLite files under *folder*."""
    suite = allinone.build(allinone.Home(folder, 8000, False, 1_000_000))
    suite.start()
    try:
        live(api_of(suite))
        eventually(lambda: is_quiet(suite), "everything to be said and done")
    finally:
        suite.stop()


def api_of(suite: Suite) -> Api:
    """The public API of a suite in this process."""
    transport = httpx2.WSGITransport(app=suite.app, raise_app_exceptions=False)
    return Api("http://localhost", transport=transport)


def is_quiet(suite: Suite) -> bool:
    from datetime import timedelta

    from carport.allinone import verify

    return verify.verify(suite.runtimes, grace=timedelta(0)).ok


def live(api: Api) -> None:
    """Board, register, order, cancel, return, let a month end."""
    staff = api.staff()
    early = {"contract_date": "2025-01-01", "first_due_date": "2025-01-20"}
    loan, late = contract(**early), contract(**early)
    lease, old = contract(SAMPLE_LEASE), contract(SAMPLE_LEASE, **OLD)
    small = contract(**early, principal=100_000, payment=8_629, term_months=12)
    documents = [loan, late, lease, old, small]
    ids = [staff.board(d | {"customers": loan["customers"]})["id"] for d in documents]
    customer = api.register(loan, "sample@example.com")
    eventually(lambda: len(api.log_in("sample@example.com").get("/v1/accounts")["data"]) == 5)
    customer = api.log_in("sample@example.com")
    bank, cards = customer.add_bank_account(), {name: card(customer, name) for name in
                                                ("tok_visa", "tok_declined")}  # fmt: skip
    first_day(api, customer, ids, bank, cards)
    api.move_to("2025-01-06")
    returned = customer.pay(ids[0], bank, 58_684)
    customer.until(returned["id"], "posted")
    api.send("POST", "/v1/sandbox/bank/returns",
             {"payment_id": returned["id"], "code": "R01"}, idempotent=False)  # fmt: skip
    customer.until(returned["id"], "returned")
    payoff = customer.get(f"/v1/accounts/{ids[4]}")["payoff"]
    customer.until(customer.pay(ids[4], bank, payoff)["id"], "posted")
    api.move_to(LAST_DAY)


def first_day(api: Api, customer: Api, ids: list[str], bank: str, cards: dict[str, str]) -> None:
    """Every way to pay, and to take it back."""
    account, lease = ids[0], ids[2]
    posted = [customer.pay(account, bank, 58_684), customer.pay(lease, bank, 58_400),
              customer.pay(account, cards["tok_visa"], 5_000)]  # fmt: skip
    cancelled = customer.pay(account, bank, 7_000)
    for payment in (*posted, cancelled):
        customer.until(payment["id"], "posted")
    declined = customer.pay(account, cards["tok_declined"], 6_000)
    customer.until(declined["id"], "failed")
    kept, dropped = (customer.pay(account, bank, cents, date="2025-01-10") for cents in (111, 222))
    for payment in (cancelled, dropped):
        customer.send("POST", f"/v1/payments/{payment['id']}/cancellation", idempotent=False)
    assert customer.get(f"/v1/payments/{kept['id']}")["state"] == "scheduled"
    cheque = {"account_id": account, "amount": 9_000, "cheque_number": "1001"}
    api.send("POST", "/v1/sandbox/lockbox", cheque, idempotent=False)


def card(customer: Api, token: str) -> str:
    body: dict[str, Any] = {"type": "card", "processor_token": token}
    return str(customer.post("/v1/payment-methods", body)["id"])
