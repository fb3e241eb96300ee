"""A customer and a stranger of a running suite, and how to judge what they are answered."""

from __future__ import annotations

import uuid

from support import operations
from support.client import contract, eventually


class World:
    """A customer and a stranger with one of everything, and somebody of the staff."""

    def __init__(self, api, staff):
        self.api, self.staff = api, staff
        self.customer, self.ids = self.person()
        self.stranger, self.foreign = self.person()
        self.operations = operations.read(api.get("/openapi.json"))

    def person(self):
        document = contract(contract_date=self.api.today())
        account_id = self.staff.board(document)["id"]
        customer = self.api.register(document, f"{uuid.uuid4().hex}@example.com")
        method_id = customer.add_bank_account()
        payment = customer.pay(account_id, method_id, 1000)
        customer.until(payment["id"], "posted")
        messages = eventually(lambda: customer.get("/v1/messages")["data"])
        lines = customer.get(f"/v1/accounts/{account_id}/transactions")["data"]
        sessions = customer.get("/v1/auth/sessions")["data"]
        return customer, {
            "account_id": account_id, "payment_id": payment["id"], "method_id": method_id,
            "message_id": messages[0]["id"], "transaction_id": lines[0]["id"],
            "session_id": sessions[0]["id"],
        }  # fmt: skip

    def caller(self, operation):
        if not operation.needs_token:
            return self.api
        return self.staff if operation.is_staff else self.customer

    def with_body(self):
        return [o for o in self.operations if o.has_body]


def send(caller, operation, ids, **more):
    headers = {**operation.headers(), **more.pop("headers", {})}
    return caller.http.request(operation.method, operation.url(ids), headers=headers, **more)


def flaw(answer, *expected):
    """What is wrong with a refusal; None when it is one of *expected* (status, code)."""
    if answer.status_code >= 500:
        return f"{answer.status_code}: {answer.text[:200]}"
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} is no problem document: {answer.text[:100]}"
    problem = answer.json()
    got = (answer.status_code, problem.get("code"))
    if problem.get("status") != answer.status_code or not problem.get("detail"):
        return f"incomplete problem: {problem}"
    return None if got in expected else f"{got} instead of {expected}"


def collect(rows):
    return [f"{operation}, {label}: {wrong}" for operation, label, wrong in rows if wrong]


def masked(answer):
    body = answer.text
    for name in ("request_id", "instance"):
        body = body.replace(str(answer.json().get(name)), "*")
    hidden = {"date", "x-request-id"}
    return answer.status_code, body, sorted(k for k in answer.headers if k.lower() not in hidden)
