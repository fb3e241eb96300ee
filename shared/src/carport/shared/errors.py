"""Failures every unit can raise, and the body that tells a client about one (RFC 9457).

A domain exception is a plain class with a stable ``code``; its message is the ``detail``: a
sentence a customer understands that says what is wrong, where, and what to do. It may carry a
``pointer`` to the member at fault and ``extra`` members for the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

PROBLEM = "application/problem+json"
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer of every unit that does not say otherwise itself."""

Flaw = dict[str, str]
"""``{pointer | parameter, code, detail}``: one thing that is wrong with a request."""


class NotYet(Exception):
    """A handler's predecessor is missing: the event waits, which is no failure."""

    code = "not_yet"


class MalformedEvent(Exception):
    """A message that is no CloudEvent of ours."""

    code = "malformed_event"


class Problem(Exception):
    """A failure with an HTTP status. Raise one of its kinds."""

    status = 500
    code = "internal_error"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        pointer: str | None = None,
        errors: Sequence[Flaw] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code or type(self).code
        self.pointer = pointer
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class NotFound(Problem):
    """Unknown, or somebody else's: the answer is the same."""

    status = 404
    code = "not_found"

    def __init__(self, detail: str = "There is nothing here that you can see.") -> None:
        super().__init__(detail)


class Unavailable(Problem):
    """Something this request needs is away for a moment; nothing was changed."""

    status = 503
    code = "temporarily_unavailable"

    def __init__(self, detail: str = "", *, retry_after_s: int = 5) -> None:
        text = detail or "A part this request needs is away. Nothing was changed; try again soon."
        super().__init__(text, headers={"Retry-After": str(retry_after_s)})


class Unsettled(Unavailable):
    """The answer to a COMMIT was lost: it may have been done, and only asking again can tell."""

    def __init__(self) -> None:
        super().__init__(
            "Whether this was done is not known. Send the same request, with the same key, again."
        )


class Refused(Problem):
    """A request that cannot be read or framed as it stands."""

    status = 400
    code = "bad_request"

    def __init__(self, code: str, detail: str, *, status: int = 400, **more: Any) -> None:
        super().__init__(detail, code=code, **more)
        self.status = status


class Invalid(Problem):
    """A member of the request is not acceptable."""

    status = 422
    code = "invalid"

    def __init__(self, code: str, detail: str, pointer: str | None = None, **more: Any) -> None:
        super().__init__(detail, code=code, pointer=pointer, **more)


class Conflict(Problem):
    """The request is fine, but not in the present state of the thing."""

    status = 409
    code = "conflict"

    def __init__(self, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail, code=code, **more)


class Gone(Problem):
    """What the request refers to has expired."""

    status = 410
    code = "gone"

    def __init__(self, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail, code=code, **more)


class Forbidden(Problem):
    """Known, but not allowed to."""

    status = 403
    code = "forbidden"

    def __init__(self, detail: str = "Your role does not allow this.", **more: Any) -> None:
        super().__init__(detail, **more)


class Unauthenticated(Problem):
    """No token that counts; *code* says what the client can do about it."""

    status = 401
    code = "unauthenticated"

    def __init__(self, code: str = "unauthenticated", detail: str = "", **more: Any) -> None:
        super().__init__(detail or "Log in and send a valid access token.", code=code, **more)
        self.headers.setdefault("WWW-Authenticate", 'Bearer realm="carport"')


def body(
    status: int,
    code: str,
    detail: str,
    *,
    request_id: str,
    errors: Sequence[Flaw] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The members of a problem document."""
    members: dict[str, Any] = {
        "type": f"urn:carport:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"/requests/{request_id}",
        "code": code,
        "request_id": request_id,
    }
    if errors:
        members["errors"] = list(errors)
    return {**members, **(extra or {})}


def money_moved(status: int) -> str:
    """What a money call that answers *status* did: an error of ours leaves it open."""
    return "unknown" if status in (500, 502, 504) else "no"
