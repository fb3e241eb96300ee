"""Sign-in and security: where one is signed in, ending that, changing the password."""

from __future__ import annotations

from flask import Blueprint

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import (
    Page,
    get,
    go,
    needs_password,
    optional,
    render,
    secret,
    signed_in_only,
    step_up,
)

blueprint = signed_in_only(Blueprint("security", __name__))


@blueprint.get("/security")
def overview() -> Page:
    return _page()


@blueprint.post("/security/sessions/<id:session_id>/end")
def end_session(session_id: str) -> Page:
    browser().call("DELETE", f"/v1/auth/sessions/{session_id}")
    return go("security.overview", notice="session_ended")


@blueprint.post("/security/sessions/end-others")
def end_others() -> Page:
    browser().call("DELETE", "/v1/auth/sessions")
    return go("security.overview", notice="sessions_ended")


@blueprint.post("/security/password")
def change_password() -> Page:
    """The present password is proved first; whoever only holds the browser cannot change it."""
    try:
        step_up()
        browser().call("PUT", "/v1/auth/me/password", body={"password": secret("password")})
    except Problem as problem:
        return _page(problem)
    return go("security.overview", notice="password_changed")


def _page(problem: Problem | None = None) -> Page:
    return render(
        "settings/security.html",
        problem,
        me=get("/v1/auth/me"),
        person=optional("/v1/customers/me"),
        sessions=get("/v1/auth/sessions")["data"],
        needs_password=needs_password(),
    )
