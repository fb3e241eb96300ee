"""The fake gateway's routes that need no token, and those of sessions and the password."""

from __future__ import annotations

from typing import Any

import fake_answers as answers
from fake_routes import Refused, signed_in, state
from flask import Blueprint, g

PASSWORD = "correct horse battery"

api = Blueprint("access", __name__)


@api.get("/v1/lender")
def lender() -> Any:
    return state().lender


@api.get("/status")
def status() -> Any:
    return {"status": "degraded", "services": {"auth": "ok", "accounts": "ok", "lease": "down"}}


@api.get("/v1/auth/terms")
def terms() -> Any:
    return answers.terms()


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
    return {"data": answers.letters(), "next_cursor": None}


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
    signed_in()
    return answers.me(step_up_until="2099-01-01T00:00:00Z" if state().stepped_up else None)


@api.post("/v1/auth/me/step-up")
def step_up() -> Any:
    signed_in()
    if g.body["password"] != PASSWORD:
        raise Refused(401, "invalid_credentials")
    state().stepped_up = True
    return state().new_tokens()


@api.put("/v1/auth/me/password")
def password() -> Any:
    signed_in()
    if not state().stepped_up:
        raise Refused(401, "step_up_required")
    return "", 204


@api.get("/v1/auth/sessions")
def sessions() -> Any:
    signed_in()
    return {"data": state().sessions, "next_cursor": None}


@api.delete("/v1/auth/sessions")
@api.delete("/v1/auth/sessions/<session_id>")
def end_session(session_id: str = "others") -> Any:
    signed_in()
    if session_id == "current":
        state().access = "ended"
    state().sessions = [
        s for s in state().sessions if s["current"] or session_id not in (s["id"], "others")
    ]
    return "", 204
