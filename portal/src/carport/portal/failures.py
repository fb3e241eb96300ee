"""What people see when something fails: words, what is known about money, a reference."""

from __future__ import annotations

from flask import Flask, g, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from carport.portal.api import MoneyMoved, Problem
from carport.portal.browser import SignedOut, browser, nobody
from carport.portal.security import SAFE_METHODS, own_path
from carport.portal.sessions import SessionsAway
from carport.shared.telemetry import logger

log = logger("portal")

ErrorPage = tuple[str, int] | tuple[str, int, dict[str, str]] | BaseResponse


def install(app: Flask) -> None:
    """Handle every failure of *app* with a page of its own."""
    app.register_error_handler(Problem, on_problem)
    app.register_error_handler(SignedOut, on_signed_out)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_defect)


def on_problem(problem: Problem) -> ErrorPage:
    """The API refused or did not answer, and the view had no better place to say so."""
    problem.request_id = problem.request_id or g.get("request_id", "")
    log.info("problem", code=problem.code, status=problem.status, request_id=problem.request_id)
    if isinstance(problem, SessionsAway):
        nobody()
    if wants_json():
        answer = jsonify(code=problem.code, request_id=problem.request_id)
        answer.status_code = problem.status
        return answer
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    return render_template("failure.html", problem=problem), problem.status, headers


def on_signed_out(signed_out: SignedOut) -> ErrorPage:
    """To the sign-in page and back; what was sent without a session was not done."""
    if wants_json():
        answer = jsonify(code="signed_out")
        answer.status_code = 401
        return answer
    if signed_out.was_signed_in:
        unsent = request.method not in SAFE_METHODS
        browser().leave("signed_out_unsent" if unsent else "signed_out")
    target = request.full_path.rstrip("?")
    return redirect(url_for("access.login", next=own_path(target)), 303)


def on_http(error: HTTPException) -> ErrorPage:
    """The portal itself refuses: no such page, wrong method, a form that is not ours."""
    if error.code is None or error.code < 400:
        return error.get_response()
    code = "csrf" if error.description == "csrf" else f"http_{error.code}"
    problem = Problem(error.code, code, request_id=g.get("request_id", ""))
    headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if error.code == 405 else {}  # type: ignore[attr-defined]
    return render_template("failure.html", problem=problem), error.code, headers


def on_defect(error: Exception) -> ErrorPage:
    """A defect of the portal. The words make no claim about money beyond what is known."""
    reference = g.get("request_id", "")
    log.error("defect", request_id=reference, path=request.path, exc_info=error)
    moved: MoneyMoved = "no" if request.method in SAFE_METHODS else "unknown"
    problem = Problem(500, "defect", request_id=reference, money_moved=moved)
    return render_template("failure.html", problem=problem), 500


def wants_json() -> bool:
    return request.headers.get("Accept", "").startswith("application/json")
