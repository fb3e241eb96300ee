"""What the suite writes about a customer who registers and pays."""

from __future__ import annotations

import json
import uuid

from support.client import PASSWORD, contract, eventually


def test_the_logs_of_a_payment_are_json_and_hold_no_secret_and_nothing_personal(suite, api, staff):
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    email = f"{uuid.uuid4().hex}@example.com"
    customer = api.register(document, email)
    payment = customer.pay(account_id, customer.add_bank_account(), 1234)
    customer.until(payment["id"], "posted")
    eventually(lambda: [m for m in api.mails(email) if "$12.34" in m["text"]])

    text = (suite.folder / "carport.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    person = document["customers"][0]
    secrets = [email, PASSWORD, customer.token, "4000123456", document["account_number"],
               person["email"], person["phone"], person["address"]["line1"],
               person["last_name"], person["birth_date"]]  # fmt: skip
    assert [secret for secret in secrets if secret in text] == []
    posted = [line for line in lines if line.get("event_type") == "accounts.payment_posted.v1"]
    assert {line["correlation_id"] for line in posted if account_id in line["subjects"]}
