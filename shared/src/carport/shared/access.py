"""What each route demands before its body is read, checked in one fixed order.

Size and framing, method and route, content type, authentication, the role, the rate, ownership of
the object, step-up, ``Idempotency-Key``; then the body, its schema and the business. An answer thus
never tells more than its caller may know.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app, g, request

from carport.shared import body, openapi
from carport.shared.auth import Guard, Principal
from carport.shared.db import Runtime
from carport.shared.errors import Forbidden, Invalid, NotFound, Refused, Unauthenticated
from carport.shared.idempotency import KEY_LENGTH_MAX, InFlight
from carport.shared.kernel.ids import is_id
from carport.shared.limits import Limiter
from carport.shared.retry import retrying

BODY_BYTES_MAX = 64 * 1024
JSON = "application/json"
KEY = re.compile(r"[!-+\--~]+")
"""Without commas: servers join repeated headers with one."""
ROLES: Mapping[str, frozenset[str]] = {
    "customer": frozenset({"customer"}),
    "agent": frozenset({"agent", "supervisor"}),
    "supervisor": frozenset({"supervisor"}),
    "operator": frozenset({"operator"}),
    "staff": frozenset({"agent", "supervisor", "operator"}),
}
WITHOUT_TOKEN = frozenset({"public", "sandbox"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass
class Edge:
    """What the web process of a service keeps beside its runtime."""

    runtime: Runtime
    guard: Guard
    limiter: Limiter
    in_flight: InFlight = field(default_factory=InFlight)


def edge() -> Edge:
    """The edge of the application that serves this request."""
    return cast(Edge, current_app.extensions["carport"])


def current() -> Runtime:
    """The runtime of the service that serves this request."""
    return edge().runtime


def principal() -> Principal:
    """Who sends this request. Raises Unauthenticated on a route without a token."""
    if g.get("principal") is None:
        raise Unauthenticated
    return cast(Principal, g.principal)


def client_address() -> str:
    """The client's address: the gateway's word where it stands in front, else the connection's."""
    said = request.headers.get("X-Forwarded-For", "")
    if current().settings.behind_gateway:
        try:
            return str(ipaddress.ip_address(said))
        except ValueError:
            pass
    return request.remote_addr or "unknown"


@dataclass(frozen=True)
class Access:
    """Decorates a view with what it demands.

    *who* is a role, several, ``"user"`` (anybody logged in), ``"public"`` or ``"sandbox"`` (no
    token, and no such route in production). *owns* names the path parameter that must be one of
    the caller's accounts. *limit* counts per user, or per address without a token. *money* adds
    ``money_moved`` to problems; *idempotent* demands an ``Idempotency-Key``; *step_up* a password
    given in the last five minutes.
    """

    who: str | tuple[str, ...]
    owns: str | None = None
    step_up: bool = False
    limit: str | None = None
    body_limit: int = BODY_BYTES_MAX
    money: bool = False
    idempotent: bool = False
    consumes: str = JSON
    produces: str = JSON

    def __call__(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """The view behind its checks, documented. One whose transaction collided with another runs
        again, so what it does outside of transactions must be harmless twice."""
        documented = getattr(view, "_apidoc", {})
        places = {p["in"] for p in documented.get("arguments", {}).get("parameters", ())}

        @functools.wraps(view)
        def guarded(*values: Any, **arguments: Any) -> Any:
            self.admit(arguments, places)
            return retrying(lambda: view(*values, **arguments))

        guarded.access = self  # type: ignore[attr-defined]
        guarded._apidoc = openapi.demands(documented, self)  # type: ignore[attr-defined]
        return guarded

    @property
    def roles(self) -> frozenset[str] | None:
        """The scopes of which one is needed; None when a token is enough or none is asked."""
        named = (self.who,) if isinstance(self.who, str) else self.who
        if named == ("user",):
            return None
        return frozenset().union(*(ROLES[name] for name in named))

    @property
    def needs_token(self) -> bool:
        """Whether the route knows its caller."""
        return self.who not in WITHOUT_TOKEN

    def admit(self, path: Mapping[str, Any], places: set[str]) -> None:
        """Raises the first thing that is wrong with this request."""
        self.check_media(has_body="json" in places)
        if self.needs_token:
            self.identify()
        if self.limit:
            key = g.principal.sub if self.needs_token else client_address()
            told = edge().limiter.require(self.limit, request.endpoint or "", key)
            g.answer_headers.update(told)
        self.check_object(path)
        if self.step_up and not principal().is_fresh(current().clock()):
            detail = "Confirm your password (POST /v1/auth/me/step-up) and send this again."
            raise Unauthenticated("step_up_required", detail)
        if self.idempotent:
            idempotency_key()
        if "query" not in places and request.args:
            name = next(iter(request.args))
            raise Refused("invalid_parameter", f"There is no query parameter {name!r} here.")
        if request.method in WITH_BODY and "json" not in places and self.consumes == JSON:
            check_no_members()

    def check_media(self, *, has_body: bool) -> None:
        """Raises Refused for a body or an answer in a language that is not spoken here."""
        encoding = request.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise unsupported("Send the body uncompressed.")
        if request.method in WITH_BODY and (has_body or carries_body()):
            charset = request.mimetype_params.get("charset", "utf-8").lower()
            if request.mimetype != self.consumes or charset != "utf-8":
                raise unsupported(f"Send the body as {self.consumes} in UTF-8.")
        offered = [self.produces, "application/problem+json"]
        if "Accept" in request.headers and not request.accept_mimetypes.best_match(offered):
            raise Refused("not_acceptable", f"The answer is {self.produces}.", status=406)

    def identify(self) -> None:
        """Raises Unauthenticated or Forbidden."""
        now = current().clock()
        g.principal = edge().guard.authenticate(request.headers.get("Authorization"), now)
        if self.roles is not None and not self.roles & g.principal.scope:
            raise Forbidden

    def check_object(self, path: Mapping[str, Any]) -> None:
        """Raises NotFound for what is no id and for what is not the caller's."""
        for name, value in path.items():
            is_named_id = name == "id" or name.endswith("_id")
            if is_named_id and isinstance(value, str) and not is_id(value):
                raise NotFound
        if self.owns and path[self.owns] not in principal().accounts:
            raise NotFound


def carries_body() -> bool:
    """Whether the request announces a body."""
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def raw_body() -> bytes:
    """The body. Raises Refused 413 when one without a length turns out too large."""
    raw = request.get_data()
    if len(raw) > g.access.body_limit:
        raise too_large()
    return raw


def too_large() -> Refused:
    """413, after which the connection is closed."""
    detail = f"The body may have at most {g.access.body_limit} bytes."
    return Refused("payload_too_large", detail, status=413, headers={"Connection": "close"})


def check_no_members() -> None:
    """A route that takes no members accepts no body or an empty object."""
    raw = raw_body()
    for name in body.parse(raw) if raw else ():
        detail = "This member does not exist here; leave it out."
        raise Invalid("unknown_field", detail, f"/{body.escape(name)}")


def unsupported(detail: str) -> Refused:
    """415."""
    return Refused("unsupported_media_type", detail, status=415)


def idempotency_key() -> str:
    """The request's key. Raises Refused for a missing, repeated or unprintable one."""
    given = request.headers.getlist("Idempotency-Key")
    if not given or not given[0].strip():
        raise Refused(
            "idempotency_key_required",
            "Send an Idempotency-Key header, new for each new request and the same for a retry.",
        )
    if len(given) > 1 or len(given[0]) > KEY_LENGTH_MAX or not KEY.fullmatch(given[0]):
        detail = f"One Idempotency-Key of at most {KEY_LENGTH_MAX} printable characters, please."
        raise Refused("idempotency_key_invalid", detail)
    return given[0]
