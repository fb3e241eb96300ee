"""The one way out of the portal: JSON calls to the gateway's public API.

The same client speaks over the network or, embedded, straight to the gateway's WSGI callable.
Every answer that is no success is a ``Problem``: words, a reference, what is known about money.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from carport.shared import telemetry

CALL_S = 2.8
"""An answer within three seconds, even if it is that there is none."""
CONNECT_S = 1.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
CONNECTIONS_MAX = 64

MoneyMoved = Literal["no", "yes", "unknown"]
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass
class Problem(Exception):
    """An answer that is no success (RFC 9457), or no answer at all (``unreachable``)."""

    status: int
    code: str
    detail: str = ""
    request_id: str = ""
    money_moved: MoneyMoved | None = None
    retry_after: int | None = None
    errors: list[dict[str, str]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """Message by form field: the last part of each error's JSON pointer."""
        named = ((e.get("pointer", "").rsplit("/", 1)[-1], e) for e in self.errors)
        return {name: e.get("detail") or e.get("code", "") for name, e in named if name}

    @property
    def is_outage(self) -> bool:
        """Whether the other side could not answer: trying again later may help."""
        return self.status >= 500


@dataclass(frozen=True)
class Answer:
    """A success: its JSON object (empty for 204) and the version to send back with a change."""

    status: int
    data: dict[str, Any]
    etag: str | None = None


class InProcess(httpx2.BaseTransport):
    """The gateway's WSGI callable as a transport; the peer is the browser's address."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        peer = request.headers.get("x-forwarded-for", "127.0.0.1")
        inner = httpx2.WSGITransport(self._app, raise_app_exceptions=False, remote_addr=peer)
        return inner.handle_request(request)


class ApiClient:
    """Calls the gateway with a deadline, never through an environment's proxy; by the name *host*,
    which is the public one, if the gateway serves no other."""

    def __init__(self, base_url: str, *, host: str = "", wsgi_app: Any = None) -> None:
        self._http = httpx2.Client(
            base_url=base_url,
            headers={"Host": host} if host else None,
            transport=InProcess(wsgi_app) if wsgi_app is not None else None,
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX),
            verify=ssl.create_default_context(),
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        within_s: float = CALL_S,
    ) -> Answer:
        """One call. Raises Problem for anything but a 2xx, and when *within_s* is over."""
        trace = {"traceparent": str(telemetry.context().get("traceparent", ""))}
        sent = {"Accept": "application/json", **trace, **(headers or {})}
        reference = sent.get("X-Request-Id", "")
        given = {name: value for name, value in (params or {}).items() if value is not None}
        if within_s <= 0:
            raise unreachable(reference, money_moved="no")
        timeout = httpx2.Timeout(within_s, connect=min(within_s, CONNECT_S))
        try:
            response = self._http.request(
                method, path, json=body, params=given, headers=sent, timeout=timeout
            )
        except NEVER_SENT as error:
            raise unreachable(reference, money_moved="no") from error
        except httpx2.HTTPError as error:
            moved: MoneyMoved = "no" if method == "GET" else "unknown"
            raise unreachable(reference, money_moved=moved) from error
        return _read(response, reference)


def unreachable(request_id: str, *, money_moved: MoneyMoved) -> Problem:
    """No answer within the deadline. What was never sent moved no money; the rest is unknown."""
    return Problem(503, "unreachable", request_id=request_id, money_moved=money_moved)


def _read(response: httpx2.Response, reference: str) -> Answer:
    reference = response.headers.get("x-request-id", reference)
    data = _object(response)
    if response.is_success and (data is not None or not response.content):
        return Answer(response.status_code, data or {}, response.headers.get("etag"))
    if data is None or response.is_success:
        raise Problem(max(response.status_code, 502), "bad_answer", request_id=reference)
    raise _problem(response, data, reference)


def _problem(response: httpx2.Response, data: dict[str, Any], reference: str) -> Problem:
    errors = data.get("errors")
    wait = response.headers.get("retry-after", "")
    moved = data.get("money_moved")
    return Problem(
        response.status_code,
        str(data.get("code", "unknown")),
        detail=str(data.get("detail", "")),
        request_id=str(data.get("request_id", reference)),
        money_moved=moved if moved in ("no", "yes", "unknown") else None,
        retry_after=int(wait) if wait.isascii() and wait.isdigit() else None,
        errors=[e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else [],
        more=data,
    )


def _object(response: httpx2.Response) -> dict[str, Any] | None:
    if "json" not in response.headers.get("content-type", ""):
        return None
    if len(response.content) > ANSWER_BYTES_MAX:
        return None
    try:
        data = json.loads(response.content)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
