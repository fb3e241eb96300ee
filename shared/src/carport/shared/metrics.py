"""What a process counts and how long things take, for Prometheus, and the private port that tells.

Nothing is counted, and prometheus_client is not even imported, before `start`. Label values are
always from a small set: never a path, an id or anything else a client chooses.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INSTRUMENTS = {
    "carport_http_requests_total": ("Counter", "unit method route status", "Requests answered."),
    "carport_http_request_seconds": ("Histogram", "unit method route", "From request to headers."),
    "carport_relay_messages_total": ("Counter", "unit outcome", "What became of messages sent."),
    "carport_relay_lag_seconds": ("Histogram", "unit", "From an event's row to its confirm."),
    "carport_handled_total": ("Counter", "unit type outcome", "Attempts to handle an event."),
    "carport_handler_seconds": ("Histogram", "unit type", "Handling an event, commit included."),
    "carport_effects_total": ("Counter", "unit effect outcome", "Calls to the outside world."),
    "carport_job_chunks_total": ("Counter", "unit job outcome", "Pieces of jobs run."),
    "carport_bus_connected": ("Gauge", "unit side", "1 while connected to the broker."),
}
"""Kind, labels and meaning of each."""
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN_ROUTE = "unmatched"
READ_S_MAX = 5
DEGRADES = frozenset({"sessions"})


_registry: list[Any] = []
_named: dict[str, Any] = {}


def start(*collectors: Any) -> Any:
    """Count from now on, and ask *collectors* at each scrape; the registry."""
    import prometheus_client as client

    if not _registry:
        client.disable_created_metrics()  # type: ignore[no-untyped-call]
        _registry.append(client.CollectorRegistry())
        client.ProcessCollector(registry=_registry[0])
        for name, (kind, labels, text) in INSTRUMENTS.items():
            more = {"buckets": BUCKETS} if kind == "Histogram" else {}
            made = getattr(client, kind)(name, text, labels.split(), registry=_registry[0], **more)
            _named[name] = made
    for collector in collectors:
        _registry[0].register(collector)
    return _registry[0]


def stop() -> None:
    """Count nothing any more; for tests."""
    _registry.clear()
    _named.clear()


def count(name: str, *labels: str, by: float = 1) -> None:
    """Add *by* to the counter *name*; by 0 it begins to exist, so that its first one is seen."""
    if _named:
        _named[name].labels(*labels).inc(by)


def observe(name: str, seconds: Iterable[float], *labels: str) -> None:
    """Put each of *seconds* into the histogram *name*."""
    if _named:
        histogram = _named[name].labels(*labels)
        for each in seconds:
            histogram.observe(each)


def request(unit: str, method: str, route: str | None, status: int, seconds: float) -> None:
    """One request answered; *route* is the template it matched."""
    if _named:
        known = method if method in METHODS else "other"
        labels = (unit, known, route or UNKNOWN_ROUTE)
        count("carport_http_requests_total", *labels, str(status))
        observe("carport_http_request_seconds", [seconds], *labels)


def handled(unit: str, types: Sequence[str], outcome: str, seconds: float) -> None:
    """Events of *types* handled together; each is given its share of the time."""
    if _named:
        for type_, number in Counter(types).items():
            count("carport_handled_total", unit, type_, outcome, by=number)
            observe("carport_handler_seconds", [seconds / len(types)] * number, unit, type_)


def connected(unit: str, side: str, look: Callable[[], bool]) -> None:
    """Ask *look* at each scrape whether that side of *unit* is connected to the broker."""
    if _named:
        _named["carport_bus_connected"].labels(unit, side).set_function(look)


class Parts:
    """A collector of ``carport_ready``: what each unit of this process needs, and has or lacks.
    *units* are functions that look."""

    def __init__(self, units: Mapping[str, Callable[[], Mapping[str, bool]]]) -> None:
        self.units = units

    def look(self) -> dict[tuple[str, str], bool]:
        """(unit, part) -> whether it has it."""
        return {(u, p): has for u, parts in self.units.items() for p, has in parts().items()}

    def missing(self) -> list[str]:
        """What is lacking: ``database``, or ``payments.database`` where several units are one
        process."""
        lacking = [name for name, has in self.look().items() if not has]
        return [part if len(self.units) == 1 else f"{unit}.{part}" for unit, part in lacking]

    def collect(self) -> Iterable[Any]:
        """Called by the registry."""
        from prometheus_client.core import GaugeMetricFamily

        text = "1 when the unit has the part it needs, as /readyz says."
        family = GaugeMetricFamily("carport_ready", text, labels=("unit", "part"))
        for labels, has in self.look().items():
            family.add_metric(labels, has)
        yield family


def readiness(missing: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Status and body of /readyz. Without what all replicas share a process is degraded, not
    unready: taking every one of them out of service would leave nobody to say so honestly."""
    is_unready = any(part.rpartition(".")[2] not in DEGRADES for part in missing)
    status = "unready" if is_unready else "degraded" if missing else "ok"
    return (503 if is_unready else 200), {"status": status, "missing": list(missing)}


def serve(host: str, port: int, parts: Parts, *collectors: Any) -> ThreadingHTTPServer:
    """Answer /metrics, /healthz and /readyz in threads that end with the process.

    Call it in the process that serves, after any fork. Raises OSError for a port in use.
    """
    from prometheus_client.exposition import choose_encoder

    registry = start(parts, *collectors)

    class Handler(BaseHTTPRequestHandler):
        timeout = READ_S_MAX

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                encode, media = choose_encoder(self.headers.get("Accept", ""))
                self.answer(200, media, encode(registry))
            elif path == "/readyz":
                self.tell(*readiness(parts.missing()))
            else:
                is_alive = path == "/healthz"
                self.tell(200 if is_alive else 404, {"status": "ok" if is_alive else "unknown"})

        def tell(self, status: int, body: dict[str, Any]) -> None:
            self.answer(status, "application/json", json.dumps(body).encode())

        def answer(self, status: int, media: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            with suppress(OSError):  # a probe that hangs up is worth no line
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Scrapes are not worth a line each."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
