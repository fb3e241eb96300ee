"""The fake gateway's routes of accounts, payments, messages and leases."""

from __future__ import annotations

from typing import Any

import fake_answers as answers
import fake_data as data
from flask import Blueprint, current_app, g, jsonify, request

PAGING = {"limit", "cursor"}
LIST_PARAMETERS = {
    "transactions": PAGING,
    "messages": PAGING,
    "payments": PAGING | {"account_id"},
    "mailbox": {"to", "limit"},
}

api = Blueprint("services", __name__)


class Refused(Exception):
    def __init__(self, status: int, code: str, **more: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.more = status, code, more


def state() -> Any:
    """The FakeGateway that answers."""
    return current_app.extensions["fake"]


def note() -> None:
    g.body = request.get_json(silent=True)
    state().calls.append((request.method, request.path, g.body, dict(request.headers)))
    if set(request.args) - LIST_PARAMETERS.get(request.path.rsplit("/", 1)[-1], set()):
        raise Refused(400, "invalid_parameter")
    refused = state().refusals.get((request.method, request.path))
    if refused:
        raise refused


def problem(refused: Refused) -> Any:
    body = {
        "type": f"urn:carport:problem:{refused.code}",
        "title": refused.code,
        "status": refused.status,
        "detail": "",
        "code": refused.code,
        "request_id": "ref-12345678",
        **refused.more,
    }
    answer = jsonify(body)
    answer.status_code = refused.status
    answer.content_type = "application/problem+json"
    return answer


def signed_in() -> None:
    if request.headers.get("Authorization") != f"Bearer {state().access}":
        raise Refused(401, "unauthenticated")


def find(account_id: str) -> dict[str, Any]:
    signed_in()
    if account_id not in state().visible:
        raise Refused(404, "not_found")
    return state().accounts[account_id]


@api.get("/v1/accounts")
def accounts() -> Any:
    signed_in()
    return {"data": [state().accounts[a] for a in state().visible], "next_cursor": None}


@api.get("/v1/customers/me")
def person() -> Any:
    signed_in()
    return answers.person()


@api.post("/v1/auth/account-links")
def link() -> Any:
    signed_in()
    if g.body["account_number"] != "2200417783":
        raise Refused(422, "no_match", detail="These details match no contract.")
    return {"account_id": data.identifier(data.LOAN), "role": "primary"}, 201


@api.get("/v1/accounts/<account_id>")
def account(account_id: str) -> Any:
    return find(account_id)


@api.get("/v1/accounts/<account_id>/transactions")
def transactions(account_id: str) -> Any:
    find(account_id)
    start, size = int(request.args.get("cursor", 0)), int(request.args["limit"])
    rows = state().transactions[account_id]
    cursor = str(start + size) if start + size < len(rows) else None
    return {"data": rows[start : start + size], "next_cursor": cursor}


@api.get("/v1/accounts/<account_id>/schedule")
def schedule(account_id: str) -> Any:
    find(account_id)
    return state().schedule


@api.post("/v1/accounts/<account_id>/allocation-previews")
def preview(account_id: str) -> Any:
    balance = find(account_id)["balance"]
    amount = g.body["amount"]
    return {
        "allocation": data.allocation(amount),
        "balance_after": balance - amount,
        "interest_saved": 1204 if g.body.get("extra") == "principal" else 0,
    }


@api.get("/v1/payment-methods")
def methods() -> Any:
    signed_in()
    return {"data": state().methods, "next_cursor": None}


@api.post("/v1/payment-methods")
def add_method() -> Any:
    signed_in()
    if not state().stepped_up:
        raise Refused(401, "step_up_required")
    if len(g.body["routing_number"]) != 9:
        error = {"pointer": "/routing_number", "code": "invalid_bank_account"}
        raise Refused(422, "invalid_bank_account", errors=[error])
    method = answers.method(40 + next(state().numbers), g.body["account_number"][-4:])
    state().methods.append(method)
    return method, 201


@api.delete("/v1/payment-methods/<method_id>")
def remove_method(method_id: str) -> Any:
    signed_in()
    state().methods = [m for m in state().methods if m["id"] != method_id]
    return "", 204


@api.get("/v1/payments")
def payments() -> Any:
    signed_in()
    newest_first = list(reversed(state().payments.values()))
    return {"data": newest_first, "next_cursor": None}


@api.post("/v1/payments")
def pay() -> Any:
    signed_in()
    key = request.headers["Idempotency-Key"]
    if key not in state().answers:
        number = next(state().numbers)
        method = next(m for m in state().methods if m["id"] == g.body["payment_method_id"])
        payment = answers.payment(number, g.body, method)
        state().payments[payment["id"]] = payment
        state().answers[key] = (payment, 202)
    return state().answers[key]


@api.get("/v1/payments/<payment_id>")
def payment(payment_id: str) -> Any:
    signed_in()
    if payment_id not in state().payments:
        raise Refused(404, "not_found")
    return state().payments[payment_id]


@api.post("/v1/payments/<payment_id>/cancellation")
def cancel(payment_id: str) -> Any:
    signed_in()
    state().payments[payment_id] |= {"state": "cancelled", "cancellable": False}
    return state().payments[payment_id]


@api.get("/v1/messages")
def messages() -> Any:
    signed_in()
    return {"data": state().messages, "next_cursor": None}


@api.get("/v1/messages/unread-count")
def unread() -> Any:
    signed_in()
    return {"unread": sum(not m["read"] for m in state().messages)}


@api.get("/v1/messages/<message_id>")
def message(message_id: str) -> Any:
    signed_in()
    found = [m for m in state().messages if m["id"] == message_id]
    if not found:
        raise Refused(404, "not_found")
    return found[0]


@api.post("/v1/messages/<message_id>/read")
def read(message_id: str) -> Any:
    message(message_id)["read"] = True
    return "", 204


@api.get("/v1/alerts/preferences")
def preferences() -> Any:
    signed_in()
    return jsonify(state().preferences), 200, {"ETag": '"v1"'}


@api.put("/v1/alerts/preferences")
def save_preferences() -> Any:
    signed_in()
    if request.headers.get("If-Match") != '"v1"':
        raise Refused(412, "stale_version")
    state().preferences = g.body
    return jsonify(state().preferences), 200, {"ETag": '"v2"'}


@api.get("/v1/leases/<account_id>")
def lease(account_id: str) -> Any:
    signed_in()
    if account_id not in state().visible or state().accounts[account_id]["product"] != "lease":
        raise Refused(404, "not_found")
    return state().lease
