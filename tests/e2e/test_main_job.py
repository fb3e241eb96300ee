"""The main job through the gateway's public API: register, see, pay, be told, log out."""

from __future__ import annotations

import uuid

from support.client import SAMPLE_LEASE, contract, eventually


def email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def test_a_customer_registers_pays_586_84_sees_it_posted_is_told_and_logs_out(api, staff):
    document = contract()
    staff_today = api.today()
    document |= {"contract_date": staff_today, "first_due_date": "2025-02-24"}
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


def test_a_lessee_sees_the_lease_end_options_with_reasons_and_the_buyout_figure(api, staff):
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
