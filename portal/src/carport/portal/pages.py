"""What every page is made with: the signed-in guard, the calls, the lender, notices, forms."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from carport.portal import formats
from carport.portal.api import Answer, Problem
from carport.portal.browser import SignedOut, browser

if TYPE_CHECKING:
    from carport.portal.app import Parts

UNKNOWN_LENDER: dict[str, Any] = {
    "name": "Carport",
    "phone": "",
    "email": "",
    "hours": [],
    "time_zone": "UTC",
    "cut_off": "",
    "currency": "USD",
    "grace_days": None,
    "late_fee": "",
    "cards": {"debit": False, "credit": False},
    "addresses": [],
    "languages": ["en"],
    "colours": {},
}

Page = str | tuple[str, int] | BaseResponse


def install(app: Flask) -> None:
    """Give every template what all of them need."""

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        return {
            "lender": lender(),
            "asset": asset,
            "browser": browser(),
            "sandbox": parts().settings.is_sandbox,
            "unread": unread,
            "take_notice": lambda: browser().pop("notice"),
            "new_key": new_key,
            "zone": lender()["time_zone"],
        }


def signed_in_only(blueprint: Blueprint) -> Blueprint:
    """Every page of *blueprint* is for people who have signed in."""

    @blueprint.before_request
    def guard() -> None:
        if not browser().is_signed_in:
            raise SignedOut(was_signed_in=False)

    return blueprint


def parts() -> Parts:
    found: Parts = current_app.extensions["portal"]
    return found


def get(path: str, **params: Any) -> dict[str, Any]:
    """A read as the signed-in user."""
    return browser().call("GET", path, params=params).data


def optional(path: str, **params: Any) -> dict[str, Any] | None:
    """A read a page can do without: None when it cannot be had now."""
    try:
        return get(path, **params)
    except Problem as problem:
        if problem.is_outage or problem.status in (403, 404):
            return None
        raise


def post(path: str, body: Mapping[str, Any], *, key: str | None = None) -> Answer:
    """A command as the signed-in user; *key* makes a repetition harmless."""
    headers = {"Idempotency-Key": key} if key else {}
    return browser().call("POST", path, body=body, headers=headers)


def lender() -> dict[str, Any]:
    """The lender's profile; what the portal can say without one while it cannot be had."""

    def ask() -> dict[str, Any]:
        return {**UNKNOWN_LENDER, **browser().public("GET", "/v1/lender").data}

    return parts().lender.get("", ask, otherwise=UNKNOWN_LENDER)


def accounts() -> list[dict[str, Any]]:
    """The signed-in user's accounts."""
    found: list[dict[str, Any]] = get("/v1/accounts")["data"]
    return found


def unread() -> int:
    """Messages not read yet; 0 when nobody can say."""
    if not browser().is_signed_in:
        return 0

    def ask() -> int:
        try:
            return int(get("/v1/messages/unread-count")["unread"])
        except SignedOut:
            return 0

    return parts().unread.get(browser().key, ask, otherwise=0)


def render(template: str, problem: Problem | None = None, **context: Any) -> Page:
    """A page; with the *problem* of a form, also its status."""
    html = render_template(template, problem=problem, **context)
    return (html, problem.status) if problem else html


def go(endpoint: str, notice: str | None = None, **values: Any) -> BaseResponse:
    """On to another page of ours, which shows *notice* (a name in ``_notices.html``) once."""
    if notice:
        browser().leave(notice)
    return redirect(url_for(endpoint, **values), 303)


def field(name: str, limit: int = 400) -> str:
    """A form's field without the blanks around it."""
    return request.form.get(name, "").strip()[:limit]


def secret(name: str) -> str:
    """A form's field exactly as typed: passwords are never trimmed."""
    return request.form.get(name, "")


def new_key() -> str:
    """An Idempotency-Key, made when a form is shown so that sending it twice acts once."""
    return secrets.token_urlsafe(16)


def form_key() -> str:
    return field("key", limit=64) or new_key()


def needs_password() -> bool:
    """Whether a risky change asks for the password again: the last proof is too old."""
    until = formats.parse_instant(get("/v1/auth/me").get("step_up_until"))
    return until is None or until <= datetime.now(UTC)


def step_up() -> None:
    """Prove the password typed into this form, if there is one. Raises Problem when it is wrong."""
    password = secret("current_password")
    if not password:
        return
    try:
        answer = post("/v1/auth/me/step-up", {"password": password})
    except Problem as problem:
        if problem.code == "invalid_credentials":
            problem.errors.append({"pointer": "/current_password", "code": "wrong_password"})
        raise
    browser().take_tokens(answer.data)


def asset(path: str) -> str:
    return url_for("assets.asset", version=parts().assets.version, path=path)
