"""One OpenAPI document out of the services' own, and whether each of them is ready."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from carport.gateway import upstreams
from carport.gateway.upstreams import Upstream
from carport.shared.errors import Unavailable
from carport.shared.kernel.clock import Clock

Document = dict[str, Any]

REFRESH = timedelta(minutes=1)
STATUS_KEPT = timedelta(seconds=2)
INFO = {
    "title": "Carport",
    "version": "v1",
    "description": "Vehicle-finance servicing. Money is an integer of minor units; errors are "
    "application/problem+json with a stable code; calls that may move money need an "
    "Idempotency-Key and say in every error whether money moved.",
}


class Documents:
    """The merged document, asked for again at most once a minute; a service that is away keeps
    the last one it gave."""

    def __init__(self, services: Mapping[str, Upstream], clock: Clock) -> None:
        self._services = services
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: dict[str, Document] = {}
        self._asked_at: datetime | None = None
        self._merged: Document = merge({})

    def current(self) -> Document:
        """The merged document."""
        now = self._clock()
        with self._lock:
            if self._asked_at is None or now - self._asked_at >= REFRESH:
                self._asked_at = now
                fetched = {name: fetch(one) for name, one in self._services.items()}
                self._parts.update({name: part for name, part in fetched.items() if part})
                self._merged = merge(self._parts)
            return self._merged


class Readiness:
    """Which services can serve, asked at most every two seconds."""

    def __init__(self, services: Mapping[str, Upstream], clock: Clock) -> None:
        self._services = services
        self._clock = clock
        self._lock = threading.Lock()
        self._told: tuple[datetime, dict[str, str]] | None = None

    def current(self) -> dict[str, Any]:
        """``{status, services}`` as in the API."""
        with self._lock:
            now = self._clock()
            if self._told is None or now - self._told[0] >= STATUS_KEPT:
                self._told = (now, {name: ready(one) for name, one in self._services.items()})
            states = self._told[1]
        is_fine = all(state == "ok" for state in states.values())
        return {"status": "ok" if is_fine else "degraded", "services": states}


def ready(upstream: Upstream) -> str:
    """``ok`` or ``away``."""
    try:
        answer = upstreams.get(upstream, "/readyz")
        list(answer.body)
        answer.close()
    except Unavailable:
        return "away"
    return "ok" if answer.status == 200 else "away"


def fetch(upstream: Upstream) -> Document | None:
    """The document of one service; None when there is none to be had."""
    try:
        answer = upstreams.get(upstream, "/openapi.json")
        text = b"".join(answer.body)
        answer.close()
        loaded = json.loads(text) if answer.status == 200 else None
    except (Unavailable, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


def merge(parts: Mapping[str, Document]) -> Document:
    """One document: every path, and the components under names that tell their service."""
    merged: Document = {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "responses": {}, "securitySchemes": {}},
    }
    for service, part in sorted(parts.items()):
        renamed = rename(part, service)
        merged["paths"].update(renamed.get("paths", {}))
        merged["tags"] += [tag for tag in renamed.get("tags", []) if tag not in merged["tags"]]
        for kind, named in merged["components"].items():
            named.update(renamed.get("components", {}).get(kind, {}))
    return merged


def rename(part: Document, service: str) -> Document:
    """*part* with its schemas called ``<service>.<name>``; the problem schema is everybody's."""
    components = dict(part.get("components", {}))
    components["schemas"] = {
        named(name, service): schema for name, schema in components.get("schemas", {}).items()
    }
    return _references({**part, "components": components}, service)  # type: ignore[no-any-return]


def named(schema: str, service: str) -> str:
    """The name of a service's *schema* in the merged document."""
    return schema if schema == "Problem" else f"{service}.{schema}"


def _references(value: Any, service: str) -> Any:
    prefix = "#/components/schemas/"
    if isinstance(value, dict):
        return {
            key: prefix + named(inner.removeprefix(prefix), service)
            if key == "$ref" and isinstance(inner, str) and inner.startswith(prefix)
            else _references(inner, service)
            for key, inner in value.items()
        }
    return [_references(inner, service) for inner in value] if isinstance(value, list) else value
