"""A gateway that answers what the public API answers, from memory: for the portal's tests alone.

Shapes are those of the API; the lender, the people and their accounts are the same on every run.
"""

from __future__ import annotations

import itertools
from typing import Any

import fake_data as data
from flask import Blueprint, Flask, current_app, g, jsonify, request

PASSWORD = "correct horse battery"
ACCESS_S = 600
PAGING = {"limit", "cursor"}
LIST_PARAMETERS = {
    "transactions": PAGING,
    "messages": PAGING,
    "payments": PAGING | {"account_id"},
    "mailbox": {"to", "limit"},
}

api = Blueprint("fake", __name__)


class Refused(Exception):
    def __init__(self, status: int, code: str, **more: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.more = status, code, more


class FakeGateway:
    """The state behind the fake: change it in a test, read what was called in ``calls``."""

    def __init__(self) -> None:
        self.accounts = {a["id"]: a for a in data.accounts()}
        self.visible = list(self.accounts)
        self.transactions = {key: data.transactions() for key in self.accounts}
        self.schedule = data.schedule()
        self.lease = data.lease()
        self.lender = data.lender()
        self.methods = data.methods()
        self.messages = data.messages()
        self.preferences = data.preferences()
        self.sessions = data.sessions()
        self.payments: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[Any, int]] = {}
        self.refusals: dict[tuple[str, str], Refused] = {}
        self.calls: list[tuple[str, str, Any, dict[str, str]]] = []
        self.access = "access-0"
        self.refresh = "refresh-0"
        self.refreshes = 0
        self.access_s = ACCESS_S
        self.stepped_up = True
        self.numbers = itertools.count(1)
        self.app = _app(self)

    def refuse(self, method: str, path: str, status: int, code: str, **more: Any) -> None:
        """From now on that call is a problem."""
        self.refusals[method, path] = Refused(status, code, **more)

    def called(self, method: str, path: str) -> list[Any]:
        """The bodies sent to that address."""
        return [body for verb, where, body, _ in self.calls if (verb, where) == (method, path)]

    def keys(self, path: str) -> list[str]:
        """The idempotency keys sent to that address."""
        return [
            h["Idempotency-Key"]
            for verb, where, _, h in self.calls
            if where == path and "Idempotency-Key" in h
        ]

    def post_all(self) -> None:
        """What the accounts service does a moment later: accepted payments are posted."""
        for payment in self.payments.values():
            if payment["state"] == "accepted":
                payment |= {
                    "state": "posted",
                    "allocation": data.allocation(payment["amount"]),
                    "balance_after": 2836121,
                    "cancellable": False,
                }
                payment["history"].append({"state": "posted", "at": data.LATER})

    def new_tokens(self) -> dict[str, Any]:
        number = next(self.numbers)
        self.access, self.refresh = f"access-{number}", f"refresh-{number}"
        return {
            "access_token": self.access,
            "token_type": "Bearer",
            "expires_in": self.access_s,
            "refresh_token": self.refresh,
            "refresh_expires_in": 86400,
            "user": {"id": data.identifier(90), "scopes": ["customer"]},
        }


def state() -> FakeGateway:
    found: FakeGateway = current_app.extensions["fake"]
    return found


def _app(fake: FakeGateway) -> Flask:
    app = Flask(__name__)
    app.extensions["fake"] = fake
    app.register_blueprint(api)
    return app


@api.before_request
def note() -> None:
    g.body = request.get_json(silent=True)
    state().calls.append((request.method, request.path, g.body, dict(request.headers)))
    if set(request.args) - LIST_PARAMETERS.get(request.path.rsplit("/", 1)[-1], set()):
        raise Refused(400, "invalid_parameter")
    refused = state().refusals.get((request.method, request.path))
    if refused:
        raise refused


@api.errorhandler(Refused)
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


def _signed_in() -> None:
    if request.headers.get("Authorization") != f"Bearer {state().access}":
        raise Refused(401, "unauthenticated")


@api.get("/v1/lender")
def lender() -> Any:
    return state().lender


@api.get("/status")
def status() -> Any:
    return {"status": "degraded", "services": {"auth": "ok", "accounts": "ok", "lease": "down"}}


@api.get("/v1/auth/terms")
def terms() -> Any:
    return data.terms()


@api.post("/v1/auth/registrations")
def registrations() -> Any:
    return {"status": "accepted", "detail": "Check your mail."}, 202


@api.post("/v1/auth/email-verifications")
def verifications() -> Any:
    if g.body["token"] != "good-token":
        raise Refused(400, "invalid_token")
    return "", 204


@api.post("/v1/auth/password-resets/confirmations")
def confirm_reset() -> Any:
    if g.body["token"] != "good-token":
        raise Refused(400, "invalid_token")
    return "", 204


@api.post("/v1/auth/password-resets")
@api.post("/v1/auth/username-reminders")
def by_mail() -> Any:
    return {"status": "accepted"}, 202


@api.get("/v1/sandbox/mailbox")
def mailbox() -> Any:
    return {"data": data.letters(), "next_cursor": None}


@api.get("/v1/sandbox/demo")
def demo() -> Any:
    customer = {
        "user_id": "jordan",
        "email": "jordan@example.com",
        "password": PASSWORD,
        "accounts": state().visible,
        "note": "A loan in good standing and a lease that ends soon",
    }
    return {"customers": [customer], "staff": []}


@api.post("/v1/auth/tokens")
def tokens() -> Any:
    if g.body["grant"] == "refresh":
        if g.body["refresh_token"] != state().refresh:
            raise Refused(401, "invalid_grant")
        state().refreshes += 1
        return state().new_tokens()
    if g.body["password"] != PASSWORD:
        raise Refused(401, "invalid_credentials", detail="The user name or password is wrong.")
    return state().new_tokens()


@api.get("/v1/auth/me")
def me() -> Any:
    _signed_in()
    return data.me(step_up_until="2099-01-01T00:00:00Z" if state().stepped_up else None)


@api.post("/v1/auth/me/step-up")
def step_up() -> Any:
    _signed_in()
    if g.body["password"] != PASSWORD:
        raise Refused(401, "invalid_credentials")
    state().stepped_up = True
    return state().new_tokens()


@api.put("/v1/auth/me/password")
def password() -> Any:
    _signed_in()
    if not state().stepped_up:
        raise Refused(401, "step_up_required")
    return "", 204


@api.get("/v1/auth/sessions")
def sessions() -> Any:
    _signed_in()
    return {"data": state().sessions, "next_cursor": None}


@api.delete("/v1/auth/sessions")
@api.delete("/v1/auth/sessions/<session_id>")
def end_session(session_id: str = "others") -> Any:
    _signed_in()
    if session_id == "current":
        state().access = "ended"
    state().sessions = [
        s for s in state().sessions if s["current"] or session_id not in (s["id"], "others")
    ]
    return "", 204


def find(account_id: str) -> dict[str, Any]:
    _signed_in()
    if account_id not in state().visible:
        raise Refused(404, "not_found")
    return state().accounts[account_id]


@api.get("/v1/accounts")
def accounts() -> Any:
    _signed_in()
    return {"data": [state().accounts[a] for a in state().visible], "next_cursor": None}


@api.get("/v1/customers/me")
def person() -> Any:
    _signed_in()
    return data.person()


@api.post("/v1/auth/account-links")
def link() -> Any:
    _signed_in()
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
    _signed_in()
    return {"data": state().methods, "next_cursor": None}


@api.post("/v1/payment-methods")
def add_method() -> Any:
    _signed_in()
    if not state().stepped_up:
        raise Refused(401, "step_up_required")
    if len(g.body["routing_number"]) != 9:
        error = {"pointer": "/routing_number", "code": "invalid_bank_account"}
        raise Refused(422, "invalid_bank_account", errors=[error])
    method = data.method(40 + next(state().numbers), g.body["account_number"][-4:])
    state().methods.append(method)
    return method, 201


@api.delete("/v1/payment-methods/<method_id>")
def remove_method(method_id: str) -> Any:
    _signed_in()
    state().methods = [m for m in state().methods if m["id"] != method_id]
    return "", 204


@api.get("/v1/payments")
def payments() -> Any:
    _signed_in()
    newest_first = list(reversed(state().payments.values()))
    return {"data": newest_first, "next_cursor": None}


@api.post("/v1/payments")
def pay() -> Any:
    _signed_in()
    key = request.headers["Idempotency-Key"]
    if key not in state().answers:
        number = next(state().numbers)
        method = next(m for m in state().methods if m["id"] == g.body["payment_method_id"])
        payment = data.payment(number, g.body, method)
        state().payments[payment["id"]] = payment
        state().answers[key] = (payment, 202)
    return state().answers[key]


@api.get("/v1/payments/<payment_id>")
def payment(payment_id: str) -> Any:
    _signed_in()
    if payment_id not in state().payments:
        raise Refused(404, "not_found")
    return state().payments[payment_id]


@api.post("/v1/payments/<payment_id>/cancellation")
def cancel(payment_id: str) -> Any:
    _signed_in()
    state().payments[payment_id] |= {"state": "cancelled", "cancellable": False}
    return state().payments[payment_id]


@api.get("/v1/messages")
def messages() -> Any:
    _signed_in()
    return {"data": state().messages, "next_cursor": None}


@api.get("/v1/messages/unread-count")
def unread() -> Any:
    _signed_in()
    return {"unread": sum(not m["read"] for m in state().messages)}


@api.get("/v1/messages/<message_id>")
def message(message_id: str) -> Any:
    _signed_in()
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
    _signed_in()
    return jsonify(state().preferences), 200, {"ETag": '"v1"'}


@api.put("/v1/alerts/preferences")
def save_preferences() -> Any:
    _signed_in()
    if request.headers.get("If-Match") != '"v1"':
        raise Refused(412, "stale_version")
    state().preferences = g.body
    return jsonify(state().preferences), 200, {"ETag": '"v2"'}


@api.get("/v1/leases/<account_id>")
def lease(account_id: str) -> Any:
    _signed_in()
    if account_id not in state().visible or state().accounts[account_id]["product"] != "lease":
        raise Refused(404, "not_found")
    return state().lease
