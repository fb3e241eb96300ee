"""Any failure of a request as one problem document, whoever raised it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, current_app, g
from werkzeug.exceptions import HTTPException

from carport.shared import errors, telemetry
from carport.shared.access import current
from carport.shared.errors import PROBLEM, Problem, Refused, Unavailable, Unsettled
from carport.shared.retry import has_timed_out, is_away

CODES = {
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "payload_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    431: "headers_too_large",
}
DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not know this method; see the Allow header.",
    413: "The body is too large for this address.",
}
log = telemetry.logger("carport.problems")


def answer_failure(error: Exception) -> Response:
    """The problem document for any *error*."""
    found = problem_of(error)
    if found.status >= 500 and not isinstance(found, Unavailable):
        log.error("request failed", exc_info=error)
    answer = Response(problem_text(found), found.status, content_type=PROBLEM)
    answer.headers.update(found.headers)
    return answer


def problem_text(found: Problem) -> str:
    """The body of *found* for this request."""
    is_open = isinstance(found, Unsettled)
    answer = "unknown" if is_open else errors.money_moved(found.status)
    moved = {"money_moved": answer} if g.access.money else {}
    flaws = found.errors
    if found.pointer is not None and not flaws:
        flaws = [{"pointer": found.pointer, "code": found.code, "detail": str(found)}]
    members = errors.body(
        found.status,
        found.code,
        str(found),
        request_id=g.request_id,
        errors=flaws,
        extra={**moved, **found.extra},
    )
    return current_app.json.dumps(members)


def problem_of(error: Exception) -> Problem:
    """Any exception as a problem: ours, the service's, Werkzeug's, the database's, a defect."""
    if isinstance(error, Problem):
        return error
    table = current().service.errors
    status = next((table[kind] for kind in type(error).__mro__ if kind in table), None)
    if status is not None:
        return translated(error, status)
    if isinstance(error, HTTPException):
        return of_werkzeug(error)
    if is_away(error) or has_timed_out(error):
        log.error("database away", error=type(error).__name__)
        return Unavailable()
    return Refused(
        "internal_error",
        "Something went wrong on our side. Quote the request id to customer service, who can see "
        "what happened and whether anything was changed.",
        status=500,
    )


def translated(error: Any, status: int) -> Problem:
    """A domain exception, with the status its service gives it."""
    more = {name: getattr(error, name) for name in ("pointer", "extra") if hasattr(error, name)}
    detail = str(error) or HTTPStatus(status).phrase
    return Refused(error.code, detail, status=status, **more)


def of_werkzeug(error: HTTPException) -> Problem:
    """What the router or Werkzeug raised, with its Allow and Retry-After."""
    status = error.code or 500
    code = CODES.get(status, "bad_request" if status < 500 else "internal_error")
    detail = DETAILS.get(status) or error.description or HTTPStatus(status).phrase
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    if status == 413:
        kept["Connection"] = "close"
    return Refused(code, detail, status=status, headers=kept)
