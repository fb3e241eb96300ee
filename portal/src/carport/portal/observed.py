"""What operations sees of each request: how many, how long, and its span; never whose or where."""

from __future__ import annotations

from time import perf_counter

from flask import Flask, Response, g, request

from carport.portal.sessions import SessionsAway
from carport.shared import metrics, telemetry

UNIT = "portal"


def install(app: Flask) -> None:
    """Watch *app*; to be installed first, so that it sees what the others refuse."""
    app.before_request(begin)
    app.after_request(finish)
    app.wsgi_app = telemetry.traced(app.wsgi_app, UNIT)  # type: ignore[method-assign]


def begin() -> None:
    g.began = perf_counter()
    trace = telemetry.entered(request.headers.get("traceparent"))
    telemetry.bind(unit=UNIT, traceparent=trace)


def finish(answer: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else None
    told = (request.method, route, answer.status_code)
    metrics.request(UNIT, *told, perf_counter() - g.began)
    telemetry.answered(*told)
    return answer


def parts(app: Flask) -> dict[str, bool]:
    """What the portal needs itself; whether the services are ready is on its status page."""
    try:
        app.extensions["portal"].store.load("readiness")
    except SessionsAway:
        return {"sessions": False}
    return {"sessions": True}
