"""The gateway: one WSGI callable in front of everything that Carport publishes.

It decides nothing about money. It checks framing, finds the service by prefix, checks the token
and its session, counts, and passes on; each service checks the token and the object again.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from carport.gateway import framing
from carport.gateway.documents import Documents, Readiness
from carport.gateway.framing import Environ, Headers
from carport.gateway.pages import create_pages
from carport.gateway.routes import PORTAL, Route, Table
from carport.gateway.streams import Streams
from carport.gateway.upstreams import Answer, Away, InProcess, Upstream, WsgiApp, connect
from carport.shared import errors, health, metrics, telemetry
from carport.shared.auth import Guard, Keys
from carport.shared.config import Settings
from carport.shared.errors import PROBLEM, SECURITY_HEADERS, Problem, Refused, Unavailable
from carport.shared.kernel.clock import Clock, utc_now
from carport.shared.kernel.ids import new_id
from carport.shared.limits import Limiter
from carport.shared.sessions import connect as connect_sessions

ADDRESS_RULE = "1200/minute"
USER_RULE = "600/minute"
DEFECT = (
    "Something went wrong on our side. Quote the request id to customer service, who can see what "
    "happened and whether anything was changed."
)
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
log = telemetry.logger("carport.gateway")


class Gateway:
    """A WSGI application. *portal* (an address or a WSGI application) is set once the portal,
    which itself calls the gateway, exists."""

    def __init__(
        self,
        settings: Settings,
        services: Mapping[str, Upstream],
        *,
        clock: Clock = utc_now,
        trusted: Container[str] = (),
        stream: Upstream | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._trusted = trusted
        self._table = Table(has_sandbox=settings.is_sandbox)
        self._guard = Guard(Keys(settings.jwks or no_keys), connect_sessions(settings.sessions))
        self._limiter = Limiter(settings.limits_url, settings.limits_factor, "gateway")
        self._documents = Documents(services, clock)
        pages = create_pages(self._documents, Readiness(services, clock))
        self._upstreams: dict[str, Upstream] = {**services, "gateway": InProcess("gateway", pages)}
        if stream:
            self._upstreams["stream"] = stream
        self._streams = Streams()
        self.portal: str | WsgiApp | None = None
        self._answer = telemetry.traced(self._answered, "gateway")
        self._documents.current()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        return self._answer(environ, start_response)  # type: ignore[no-any-return]

    def parts(self) -> dict[str, bool]:
        """What it needs itself, and has or lacks; a service that is away takes only its own
        addresses with it."""
        return health.of_identity(self._guard, self._clock())

    def _answered(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else new_id(self._clock())
        route: Route | None = None
        try:
            path = framing.check(environ)
            route = self._find(environ, path)
            answer = self._pass_on(environ, route, request_id)
        except Problem as problem:
            answer = refusal(problem, request_id, has_money=bool(route and route.money))
        seconds = time.monotonic() - started
        told = (environ["REQUEST_METHOD"], route.prefix if route else None, answer.status)
        metrics.request("gateway", *told, seconds)
        telemetry.answered(*told)
        log.info(
            "answered",
            unit="gateway",
            request_id=request_id,
            method=told[0],
            route=told[1],
            status=told[2],
            ms=round(seconds * 1000, 1),
        )
        headers = with_defaults(answer.headers, request_id)
        start_response(f"{answer.status} {answer.reason}", headers)
        return Body(answer)

    def _find(self, environ: Environ, path: str) -> Route:
        """The route of *path*. Raises Refused for no such address or a foreign host."""
        route = self._table.find(path)
        if route is None:
            raise Refused("not_found", "There is nothing at this address.", status=404)
        if not self._settings.is_sandbox:
            wanted = urlsplit(self._settings.public_base_url).netloc.lower()
            if environ.get("HTTP_HOST", "").lower() != wanted:
                raise Refused("bad_request", "This host name is not served here.")
        return route

    def _pass_on(self, environ: Environ, route: Route, request_id: str) -> Answer:
        client = self._client(environ)
        self._limiter.admit(ADDRESS_RULE, "address", client)
        if route.who == "user":
            said = environ.get("HTTP_AUTHORIZATION")
            principal = self._guard.authenticate(said, self._clock())
            self._limiter.admit(USER_RULE, "user", principal.sub)
        body = framing.read_body(environ, route.body_limit)
        inner = framing.inner_environ(environ, body=body, request_id=request_id, client=client)
        try:
            upstream = self._upstream(route)
            return self._streams.open(upstream, inner) if route.is_stream else upstream.call(inner)
        except Problem:
            raise
        except Exception:
            log.exception("upstream failed", request_id=request_id, upstream=route.upstream)
            raise Refused("internal_error", DEFECT, status=500) from None

    def _upstream(self, route: Route) -> Upstream:
        if route is PORTAL:
            if self.portal is None:
                raise Unavailable("The portal is starting; try again in a few seconds.")
            return self._upstreams.setdefault("portal", connect("portal", self.portal))
        own = self._upstreams[route.upstream]
        return self._upstreams.get("stream", own) if route.is_stream else own

    def _client(self, environ: Environ) -> str:
        """The address to count by: the peer's, or what a trusted peer says of its client."""
        peer: str = environ.get("REMOTE_ADDR", "")
        said = environ.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        try:
            return str(ipaddress.ip_address(said)) if said and peer in self._trusted else peer
        except ValueError:
            return peer


class Body:
    """An answer's body; closing it lets go of the upstream."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer.body)

    def close(self) -> None:
        """Called by the server at the end, however it came."""
        self._answer.close()


def create_gateway(
    settings: Settings,
    services: Mapping[str, str | WsgiApp],
    *,
    stream: str | None = None,
    **more: Any,
) -> Gateway:
    """The gateway to *services*: name -> WSGI application of this process, or address. Streams come
    from *stream*, else from notifications."""
    more["stream"] = connect("stream", stream) if stream else None
    return Gateway(settings, {name: connect(name, at) for name, at in services.items()}, **more)


def no_keys() -> dict[str, Any]:
    """Without a source of keys no token can be checked."""
    raise Unavailable("The gateway was started without CARPORT_JWKS_URL.")


def refusal(problem: Problem, request_id: str, *, has_money: bool) -> Answer:
    """What the gateway itself says no with."""
    status = problem.status
    extra = dict(problem.extra)
    if has_money:
        is_unknown = isinstance(problem, Away) and problem.is_sent
        extra["money_moved"] = "unknown" if is_unknown else errors.money_moved(status)
    members = errors.body(
        status,
        problem.code,
        str(problem),
        request_id=request_id,
        errors=problem.errors,
        extra=extra,
    )
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()
    headers = [*problem.headers.items(), ("Content-Type", PROBLEM)]
    return Answer(status, members["title"], [*headers, ("Content-Length", str(len(text)))], [text])


def with_defaults(headers: Headers, request_id: str) -> Headers:
    """*headers* plus the request id and whatever security header is not said otherwise."""
    said = {name.lower() for name, _ in headers}
    missing = [(n, v) for n, v in SECURITY_HEADERS.items() if n.lower() not in said]
    kept = [(name, value) for name, value in headers if name.lower() != "x-request-id"]
    return [*kept, *missing, ("X-Request-Id", request_id)]
