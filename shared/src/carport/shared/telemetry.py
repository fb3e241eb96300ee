"""JSON log lines on stderr with request and correlation ids, and without personal data.

Log ids, never payloads. What slips through is masked: members with secret names, e-mail
addresses, long digit runs and texts that look like tokens.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import sys
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars

if TYPE_CHECKING:
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
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")

bind = bind_contextvars
clear = clear_contextvars


def logger(name: str) -> Any:
    """A structured logger: ``log.info("payment accepted", payment_id=...)``."""
    return structlog.get_logger(part=name)


def context() -> dict[str, Any]:
    """What is bound to the request or event being handled."""
    return structlog.contextvars.get_contextvars()


@contextlib.contextmanager
def handling(event: Event, unit: str) -> Iterator[None]:
    """Bind the ids of *event* and who handles it: what is logged and published follows from it."""
    cause, trace = event.correlationid or event.id, child_of(event.traceparent)
    with bound_contextvars(
        unit=unit, correlation_id=cause, causation_id=event.id, traceparent=trace
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
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
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
    bind_contextvars(unit=unit)
