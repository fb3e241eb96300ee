"""A gateway that answers what the public API answers, from memory: for the portal's tests alone.

Shapes are those of the API; the lender, the people and their accounts are the same on every run.
"""

from __future__ import annotations

import itertools
from typing import Any

from flask import Flask, g, jsonify, request

from . import fake_data as data

PASSWORD = "correct horse battery"
ACCESS_S = 600


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
        return [h["Idempotency-Key"] for verb, where, _, h in self.calls if where == path and "Idempotency-Key" in h]

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


def _app(fake: FakeGateway) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def note() -> None:
        g.body = request.get_json(silent=True)
        fake.calls.append((request.method, request.path, g.body, dict(request.headers)))
        refused = fake.refusals.get((request.method, request.path))
        if refused:
            raise refused

    @app.errorhandler(Refused)
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

    _open_routes(app, fake)
    _session_routes(app, fake)
    _account_routes(app, fake)
    _payment_routes(app, fake)
    _other_routes(app, fake)
    return app


def _signed_in(fake: FakeGateway) -> None:
    if request.headers.get("Authorization") != f"Bearer {fake.access}":
        raise Refused(401, "unauthenticated")


def _open_routes(app: Flask, fake: FakeGateway) -> None:
    @app.get("/v1/lender")
    def lender() -> Any:
        return fake.lender

    @app.get("/status")
    def status() -> Any:
        return {"status": "degraded", "services": {"auth": "ok", "accounts": "ok", "lease": "down"}}

    @app.get("/v1/auth/terms")
    def terms() -> Any:
        return data.terms()

    @app.post("/v1/auth/registrations")
    def registrations() -> Any:
        return {"status": "accepted", "detail": "Check your mail."}, 202

    @app.post("/v1/auth/email-verifications")
    def verifications() -> Any:
        if g.body["token"] != "good-token":
            raise Refused(400, "invalid_token")
        return "", 204

    @app.post("/v1/auth/password-resets/confirmations")
    def confirm_reset() -> Any:
        if g.body["token"] != "good-token":
            raise Refused(400, "invalid_token")
        return "", 204

    @app.post("/v1/auth/password-resets")
    @app.post("/v1/auth/username-reminders")
    def by_mail() -> Any:
        return {"status": "accepted"}, 202

    @app.get("/v1/sandbox/mailbox")
    def mailbox() -> Any:
        return {"data": data.letters(), "next_cursor": None}

    @app.get("/v1/sandbox/demo")
    def demo() -> Any:
        customer = {
            "user_id": "jordan",
            "email": "jordan@example.com",
            "password": PASSWORD,
            "accounts": fake.visible,
            "note": "A loan in good standing and a lease that ends soon",
        }
        return {"customers": [customer], "staff": []}


def _session_routes(app: Flask, fake: FakeGateway) -> None:
    @app.post("/v1/auth/tokens")
    def tokens() -> Any:
        if g.body["grant"] == "refresh":
            if g.body["refresh_token"] != fake.refresh:
                raise Refused(401, "invalid_grant")
            fake.refreshes += 1
            return fake.new_tokens()
        if g.body["password"] != PASSWORD:
            raise Refused(401, "invalid_credentials", detail="The user name or password is wrong.")
        return fake.new_tokens()

    @app.get("/v1/auth/me")
    def me() -> Any:
        _signed_in(fake)
        return data.me(step_up_until="2099-01-01T00:00:00Z" if fake.stepped_up else None)

    @app.post("/v1/auth/me/step-up")
    def step_up() -> Any:
        _signed_in(fake)
        if g.body["password"] != PASSWORD:
            raise Refused(401, "invalid_credentials")
        fake.stepped_up = True
        return fake.new_tokens()

    @app.put("/v1/auth/me/password")
    def password() -> Any:
        _signed_in(fake)
        if not fake.stepped_up:
            raise Refused(401, "step_up_required")
        return "", 204

    @app.get("/v1/auth/sessions")
    def sessions() -> Any:
        _signed_in(fake)
        return {"data": fake.sessions, "next_cursor": None}

    @app.delete("/v1/auth/sessions")
    @app.delete("/v1/auth/sessions/<session_id>")
    def end_session(session_id: str = "others") -> Any:
        _signed_in(fake)
        if session_id == "current":
            fake.access = "ended"
        fake.sessions = [s for s in fake.sessions if s["current"] or session_id not in (s["id"], "others")]
        return "", 204


def _account_routes(app: Flask, fake: FakeGateway) -> None:
    def find(account_id: str) -> dict[str, Any]:
        _signed_in(fake)
        if account_id not in fake.visible:
            raise Refused(404, "not_found")
        return fake.accounts[account_id]

    @app.get("/v1/accounts")
    def accounts() -> Any:
        _signed_in(fake)
        return {"data": [fake.accounts[a] for a in fake.visible], "next_cursor": None}

    @app.get("/v1/accounts/<account_id>")
    def account(account_id: str) -> Any:
        return find(account_id)

    @app.get("/v1/accounts/<account_id>/transactions")
    def transactions(account_id: str) -> Any:
        find(account_id)
        start, size = int(request.args.get("cursor", 0)), int(request.args["limit"])
        rows = fake.transactions[account_id]
        cursor = str(start + size) if start + size < len(rows) else None
        return {"data": rows[start : start + size], "next_cursor": cursor}

    @app.get("/v1/accounts/<account_id>/schedule")
    def schedule(account_id: str) -> Any:
        find(account_id)
        return fake.schedule

    @app.post("/v1/accounts/<account_id>/allocation-previews")
    def preview(account_id: str) -> Any:
        balance = find(account_id)["balance"]
        amount = g.body["amount"]
        return {
            "allocation": data.allocation(amount),
            "balance_after": balance - amount,
            "interest_saved": 1204 if g.body.get("extra") == "principal" else 0,
        }


def _payment_routes(app: Flask, fake: FakeGateway) -> None:
    @app.get("/v1/payment-methods")
    def methods() -> Any:
        _signed_in(fake)
        return {"data": fake.methods, "next_cursor": None}

    @app.post("/v1/payment-methods")
    def add_method() -> Any:
        _signed_in(fake)
        if not fake.stepped_up:
            raise Refused(401, "step_up_required")
        if len(g.body["routing_number"]) != 9:
            error = {"pointer": "/routing_number", "code": "invalid_bank_account"}
            raise Refused(422, "invalid_bank_account", errors=[error])
        method = data.method(40 + next(fake.numbers), g.body["account_number"][-4:])
        fake.methods.append(method)
        return method, 201

    @app.delete("/v1/payment-methods/<method_id>")
    def remove_method(method_id: str) -> Any:
        _signed_in(fake)
        fake.methods = [m for m in fake.methods if m["id"] != method_id]
        return "", 204

    @app.get("/v1/payments")
    def payments() -> Any:
        _signed_in(fake)
        newest_first = list(reversed(fake.payments.values()))
        return {"data": newest_first, "next_cursor": None}

    @app.post("/v1/payments")
    def pay() -> Any:
        _signed_in(fake)
        key = request.headers["Idempotency-Key"]
        if key not in fake.answers:
            number = next(fake.numbers)
            method = next(m for m in fake.methods if m["id"] == g.body["payment_method_id"])
            payment = data.payment(number, g.body, method)
            fake.payments[payment["id"]] = payment
            fake.answers[key] = (payment, 202)
        return fake.answers[key]

    @app.get("/v1/payments/<payment_id>")
    def payment(payment_id: str) -> Any:
        _signed_in(fake)
        if payment_id not in fake.payments:
            raise Refused(404, "not_found")
        return fake.payments[payment_id]

    @app.post("/v1/payments/<payment_id>/cancellation")
    def cancel(payment_id: str) -> Any:
        _signed_in(fake)
        fake.payments[payment_id] |= {"state": "cancelled", "cancellable": False}
        return fake.payments[payment_id]


def _other_routes(app: Flask, fake: FakeGateway) -> None:
    @app.get("/v1/messages")
    def messages() -> Any:
        _signed_in(fake)
        return {"data": fake.messages, "next_cursor": None}

    @app.get("/v1/messages/unread-count")
    def unread() -> Any:
        _signed_in(fake)
        return {"unread": sum(not m["read"] for m in fake.messages)}

    @app.get("/v1/messages/<message_id>")
    def message(message_id: str) -> Any:
        _signed_in(fake)
        found = [m for m in fake.messages if m["id"] == message_id]
        if not found:
            raise Refused(404, "not_found")
        return found[0]

    @app.post("/v1/messages/<message_id>/read")
    def read(message_id: str) -> Any:
        message(message_id)["read"] = True
        return "", 204

    @app.get("/v1/alerts/preferences")
    def preferences() -> Any:
        _signed_in(fake)
        return jsonify(fake.preferences), 200, {"ETag": '"v1"'}

    @app.put("/v1/alerts/preferences")
    def save_preferences() -> Any:
        _signed_in(fake)
        if request.headers.get("If-Match") != '"v1"':
            raise Refused(412, "stale_version")
        fake.preferences = g.body
        return jsonify(fake.preferences), 200, {"ETag": '"v2"'}

    @app.get("/v1/leases/<account_id>")
    def lease(account_id: str) -> Any:
        _signed_in(fake)
        if account_id not in fake.visible or fake.accounts[account_id]["product"] != "lease":
            raise Refused(404, "not_found")
        return fake.lease
