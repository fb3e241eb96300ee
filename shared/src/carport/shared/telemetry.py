"""JSON log lines on stderr with request and correlation ids, and without personal data; and spans.

Log ids, never payloads. What slips through is masked: members with secret names, e-mail
addresses, long digit runs and texts that look like tokens. Spans are exported only where
OTEL_EXPORTER_OTLP_ENDPOINT says where to; without it nothing of OpenTelemetry is imported, and
``traceparent`` is carried along all the same.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars

if TYPE_CHECKING:
    from datetime import datetime

    from carport.shared.bus import Message
    from carport.shared.events import Event

SECRET_KEY = re.compile(r"(?i)pass(word|wd)|secret|token|authorization|cookie|ssn|birth|cvv|^pan$")
SENSITIVE = re.compile(
    r"(?P<keep>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d(T[\d:.]+|(?![\d-])))"
    r"|[^\s@\"'<>]+@[^\s@\"'<>]+\.[a-zA-Z]{2,}"
    r"|eyJ[\w-]+(\.[\w-]*)+"
    r"|(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{32,}"
    r"|\d(?:[ -]?\d){7,}"
)
PLAIN_KEYS = frozenset({"request_id", "correlation_id", "causation_id", "traceparent", "timestamp"})
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_process = {"unit": "carport"}
"""Whose log lines these are when nothing else is bound, as in the threads of a worker."""
bind = bind_contextvars
clear = clear_contextvars


def logger(name: str) -> Any:
    """A structured logger: ``log.info("payment accepted", payment_id=...)``."""
    return structlog.get_logger(part=name)


def context() -> dict[str, Any]:
    """What is bound to the request or event being handled."""
    return structlog.contextvars.get_contextvars()


@contextlib.contextmanager
def handling(event: Event, unit: str = "") -> Iterator[None]:
    """Bind the ids of *event* and who handles it: what is logged and published follows from it."""
    bound = context()
    if bound.get("causation_id") == event.id:
        yield
        return
    who = unit or bound.get("unit") or _process["unit"]
    ids = {"correlation_id": event.correlationid or event.id, "causation_id": event.id}
    with working(who, f"handle {event.type}", "CONSUMER", event.traceparent, event.id, **ids):
        yield


@contextlib.contextmanager
def working(
    unit: str, name: str, kind: str, parent: str | None, event_id: str = "", **ids: str
) -> Iterator[None]:
    """Work of *unit* in the trace of *parent*, and so is what is logged and published meanwhile,
    with *ids*."""
    with (
        span(unit, name, kind, parent, event_id=event_id) as trace,
        bound_contextvars(unit=unit, traceparent=trace, **ids),
    ):
        yield


def child_of(traceparent: str | None) -> str:
    """A new span in the trace of a valid W3C *traceparent*, else a new trace."""
    valid = traceparent and TRACEPARENT.fullmatch(traceparent)
    trace = traceparent.split("-")[1] if traceparent and valid else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"


def redact(value: Any, key: str = "") -> Any:
    """*value* with everything masked that must not be in a log."""
    if key in PLAIN_KEYS:
        return value
    if SECRET_KEY.search(key):
        return "[redacted]"
    if isinstance(value, MutableMapping):
        return {name: redact(member, str(name)) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [redact(member) for member in value]
    if isinstance(value, str):
        return SENSITIVE.sub(lambda found: found["keep"] or "[redacted]", value)
    return value


def _named(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Any:
    return {**_process, **line}


def _redacted(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Any:
    return redact(line)


class Stderr:
    """The stderr of the moment, which tests and servers replace."""

    def write(self, text: str) -> int:
        """Part of a line or a whole one."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """At the end of each line."""
        sys.stderr.flush()


def configure(unit: str, *, level: str = "INFO") -> None:
    """Send everything the process logs to stderr as JSON lines, marked with *unit*."""
    _process["unit"] = unit
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _named,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _redacted,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, Stderr())),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # It says each refused connection six times; the relay says it once.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


_exporting: list[Any] = []
"""The one processor that batches the spans of this process; empty while none are wanted."""


def trace(unit: str, *, postgresql: bool = False) -> None:
    """Export spans from now on, if the environment says where to. Call it after any fork."""
    if _exporting or not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

    _exporting.append(BatchSpanProcessor(OTLPSpanExporter()))
    if postgresql:
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

        # Only inside a span of ours: the loops of a worker look at the database all the time.
        inside = _provider(unit, ParentBased(ALWAYS_OFF))
        PsycopgInstrumentor().instrument(tracer_provider=inside)


def _provider(unit: str, sampler: Any = None) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = Resource.create({"service.name": f"carport-{unit}"})
    provider = TracerProvider(sampler=sampler, resource=named)
    provider.add_span_processor(_exporting[0])
    return provider


@cache
def _tracer(unit: str) -> Any:
    return _provider(unit).get_tracer("carport")


@contextlib.contextmanager
def span(
    unit: str,
    name: str,
    kind: str,
    parent: str | None,
    *,
    event_id: str = "",
    since: datetime | None = None,
) -> Iterator[str]:
    """Work of *unit* in the trace of *parent*; what to hand on as ``traceparent`` from inside."""
    if not _exporting:
        yield child_of(parent)
        return
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": parent or ""}
    begun = _tracer(unit).start_as_current_span(
        name,
        TraceContextTextMapPropagator().extract(carrier),
        SpanKind[kind],
        {"carport.event_id": event_id} if event_id else None,
        start_time=int(since.timestamp() * 1e9) if since else None,
        record_exception=False,
        set_status_on_exception=False,
    )
    with begun as own:
        TraceContextTextMapPropagator().inject(carrier)
        try:
            yield carrier["traceparent"]
        except Exception as error:
            own.set_status(StatusCode.ERROR)
            own.set_attribute("error.type", type(error).__name__)
            raise


def relayed(unit: str, messages: Iterable[Message]) -> None:
    """A span for each message, from its row to its confirm, in the trace it belongs to."""
    for message in messages if _exporting else ():
        parent = json.loads(message.body).get("traceparent")
        with span(unit, f"publish {message.type}", "PRODUCER", parent, since=message.since):
            pass


def traced(app: Callable[..., Any], unit: str) -> Callable[..., Any]:
    """The WSGI application *app* with a span around each request, if spans are exported."""
    if not _exporting:
        return app

    def within(environ: dict[str, Any], start_response: Any) -> Any:
        with span(unit, "request", "SERVER", environ.get("HTTP_TRACEPARENT")) as own:
            environ["HTTP_TRACEPARENT"] = own
            return app(environ, start_response)

    return within


def entered(traceparent: str | None) -> str:
    """What to hand on from inside a request that came with *traceparent*."""
    return traceparent if _exporting and traceparent else child_of(traceparent)


def answered(method: str, route: str | None, status: int) -> None:
    """Tell the span of this request what it was."""
    if _exporting:
        from opentelemetry.trace import StatusCode, get_current_span

        own, told = get_current_span(), route or "unmatched"
        own.update_name(f"{method} {told}")
        own.set_attributes({"http.request.method": method, "http.route": told,
                            "http.response.status_code": status})  # fmt: skip
        if status >= 500:
            own.set_status(StatusCode.ERROR)
