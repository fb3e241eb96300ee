"""The web edge of a service: its Flask application, its blueprints, and an honest answer always.

Views return plain dictionaries; failures are exceptions, answered as ``application/problem+json``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask.json.provider import DefaultJSONProvider

from carport.shared import errors, health, idempotency, metrics, openapi, pagination, telemetry
from carport.shared.access import (
    Access,
    Edge,
    client_address,
    current,
    edge,
    idempotency_key,
    principal,
    too_large,
)
from carport.shared.auth import KEYS_PATH, Guard, Keys
from carport.shared.blueprint import Blueprint
from carport.shared.db import Runtime
from carport.shared.errors import PROBLEM, SECURITY_HEADERS, Refused, Unavailable
from carport.shared.kernel.ids import new_id
from carport.shared.limits import Limiter
from carport.shared.problems import DETAILS, answer_failure, problem_of, problem_text
from carport.shared.schemas import (
    ChoiceField,
    DayField,
    FlagField,
    IdField,
    IntField,
    ListField,
    MoneyField,
    QueryFlagField,
    QueryIntField,
    Schema,
    TextField,
)
from carport.shared.sessions import Sessions, connect

__all__ = [
    "Blueprint",
    "ChoiceField",
    "DayField",
    "FlagField",
    "IdField",
    "IntField",
    "ListField",
    "MoneyField",
    "QueryFlagField",
    "QueryIntField",
    "Schema",
    "TextField",
    "access",
    "client_address",
    "create_app",
    "current",
    "etag",
    "once",
    "principal",
    "require_match",
    "sessions",
]

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
FORBIDDEN_IN_PATH = re.compile(r"[\x00-\x1f\x7f]")
access = Access
log = telemetry.logger("carport.web")


class JsonProvider(DefaultJSONProvider):
    """Dates as ISO text, instants with ``Z``, members in the order given."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Without blanks, in UTF-8 rather than escapes."""
        return super().dumps(obj, **{"separators": (",", ":"), "ensure_ascii": False, **kwargs})

    @staticmethod
    def default(value: Any) -> Any:
        """What JSON has no type for."""
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, date):
            return value.isoformat()
        return DefaultJSONProvider.default(value)


def create_app(runtime: Runtime) -> Flask:
    """The WSGI application of *runtime*'s service."""
    service, settings = runtime.service, runtime.settings
    app = Flask(f"carport.{service.name}", static_folder=None)
    app.json = JsonProvider(app)
    app.url_map.merge_slashes = False
    app.config.update(
        API_TITLE=f"Carport {service.name}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    guard = Guard(Keys(settings.jwks or no_keys), connect(settings.sessions))
    limiter = Limiter(settings.limits_url, settings.limits_factor, service.name)
    app.extensions["carport"] = Edge(runtime, guard, limiter)
    app.before_request(begin)
    app.after_request(finish)
    app.register_error_handler(Exception, answer_failure)
    api = openapi.DocumentedApi(app)
    for blueprint in service.blueprints:
        api.register_blueprint(blueprint)
    app.add_url_rule("/openapi.json", "openapi", lambda: openapi.document(app))
    app.add_url_rule("/healthz", "healthz", lambda: {"status": "ok"})
    app.add_url_rule("/readyz", "readyz", readyz)
    app.wsgi_app = telemetry.traced(app.wsgi_app, service.name)  # type: ignore[method-assign]
    return app


def no_keys() -> dict[str, Any]:
    """A service without CARPORT_JWKS_URL can check no token."""
    raise Unavailable("This service was started without CARPORT_JWKS_URL.")


def parts(app: Flask) -> dict[str, bool]:
    """What the unit of *app* needs to serve, and has or lacks. The one that serves the keys is not
    asked for them: it could never become ready."""
    own: Edge = app.extensions["carport"]
    found = {
        **health.of_database(own.runtime),
        **health.of_identity(own.guard, own.runtime.clock()),
    }
    if any(rule.rule == KEYS_PATH for rule in app.url_map.iter_rules()):
        del found["keys"]
    return found


def readyz() -> Response:
    """What is missing; 503 while something is."""
    missing = [part for part, has in parts(current_app).items() if not has]
    status, body = metrics.readiness(missing)
    return Response(current_app.json.dumps(body), status, content_type="application/json")


def sessions() -> Sessions:
    """The store of live sessions: auth opens and ends them there."""
    return edge().guard.sessions


def demanded() -> Access:
    """What the matched route demands; a public one when nothing matched."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "access", Access("public"))


def begin() -> None:
    """Name the request, bound its size, and refuse what cannot be an address of ours."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else new_id(current().clock())
    g.principal, g.answer_headers, g.started_at = None, {}, perf_counter()
    g.access = demanded()
    telemetry.bind(
        unit=current().service.name,
        request_id=g.request_id,
        correlation_id=g.request_id,
        causation_id=None,
        traceparent=telemetry.entered(request.headers.get("traceparent")),
    )
    try:
        path = request.environ["PATH_INFO"].encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Refused("bad_path", "The path of this address is not UTF-8.") from None
    key = current().settings.keys.get("cursor", "")
    pagination.signing.set((key.encode(), request.endpoint or ""))
    hidden = g.access.who == "sandbox" and not current().settings.is_sandbox
    if FORBIDDEN_IN_PATH.search(path) or hidden:
        raise errors.NotFound(DETAILS[404])
    request.max_content_length = g.access.body_limit + 1
    if (request.content_length or 0) > g.access.body_limit:
        raise too_large()


def finish(response: Response) -> Response:
    """Headers every answer has, and one log line."""
    response.headers.update(g.get("answer_headers", {}))
    response.headers["X-Request-Id"] = g.request_id
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    seconds = perf_counter() - g.started_at
    route = request.url_rule.rule if request.url_rule else None
    told = (request.method, route, response.status_code)
    metrics.request(current().service.name, *told, seconds)
    telemetry.answered(*told)
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status_code,
        user=g.principal.sub if g.principal else None,
        ms=round(seconds * 1000, 1),
    )
    return response


def once(work: Callable[[Any], dict[str, Any]], *, status: int = 201, body: Any = None) -> Response:
    """Do *work* in one transaction, once per ``Idempotency-Key``; answers its dictionary.

    *body* is what the request asked for: another content under the same key is refused.
    """
    asked = idempotency.Request(
        client=g.principal.sub if g.principal else "public",
        key=idempotency_key(),
        operation=f"{request.method} {request.path}",
        content_hash=idempotency.content_hash(body),
    )

    def answer(tx: Any) -> idempotency.Answer:
        return idempotency.Answer(status, current_app.json.dumps(work(tx)))

    def refuse(error: Exception) -> idempotency.Answer:
        found = problem_of(error)
        return idempotency.Answer(found.status, problem_text(found))

    given = idempotency.once(current(), edge().in_flight, asked, answer, refuse)
    media = PROBLEM if given.status >= 400 else "application/json"
    response = Response(given.body, given.status, content_type=media)
    if given.is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def etag(value: Any) -> str:
    """The entity tag of *value*, which the answer then carries."""
    tag = f'"{idempotency.content_hash(value)[:32]}"'
    g.answer_headers["ETag"] = tag
    return tag


def require_match(value: Any) -> None:
    """Raises Refused (428, 412) unless ``If-Match`` names *value*, the present state."""
    given = request.headers.get("If-Match")
    if not given:
        detail = "Send the ETag of what you have read in an If-Match header."
        raise Refused("precondition_required", detail, status=428)
    if given.strip() not in ("*", f'"{idempotency.content_hash(value)[:32]}"'):
        detail = "This has been changed meanwhile. Read it again, then send your change."
        raise Refused("stale_version", detail, status=412)
