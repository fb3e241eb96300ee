"""The server on the published port: gunicorn's threads, with problems instead of HTML, and with
slow clients kept away from the threads.

A request gets a thread only once its headers, and its body as far as that is short, have arrived;
until then its connection waits in the poller. What is still to be read then has a deadline.
"""

from __future__ import annotations

import json
import re
import socket
import time
from typing import Any

from gunicorn import util
from gunicorn.http import errors as http_errors
from gunicorn.workers import gthread

from carport.shared import errors, telemetry
from carport.shared.errors import PROBLEM, SECURITY_HEADERS
from carport.shared.health import tell_serving
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id

ARRIVE_S = 20.0
AHEAD_BYTES_MAX = 96 * 1024
HEADERS_END = b"\r\n\r\n"
LENGTH = re.compile(rb"(?im)^content-length:[ \t]*([0-9]{1,18})[ \t]*\r?$")
CHUNKED = re.compile(rb"(?im)^transfer-encoding:[ \t]*chunked[ \t]*\r?$")
EXPECT = re.compile(rb"(?im)^expect:")
log = telemetry.logger("carport.server")

Refusal = tuple[int, str, str]
REFUSALS: dict[type[Exception], Refusal] = {
    http_errors.LimitRequestLine: (414, "uri_too_long", "The address is too long."),
    http_errors.LimitRequestHeaders: (431, "headers_too_large", "The headers are too large."),
    http_errors.ExpectationFailed: (417, "bad_request", "This expectation cannot be met."),
    http_errors.InvalidRequestLine: (400, "bad_request", "This is no HTTP request line."),
    http_errors.InvalidRequestMethod: (400, "bad_request", "This is no HTTP method."),
    http_errors.InvalidHTTPVersion: (400, "bad_request", "HTTP/1.1 is spoken here."),
    TimeoutError: (408, "request_timeout", "The request did not arrive in time. Nothing changed."),
}
BAD_FRAMING = (400, "bad_framing", "The headers or the framing of this request are ambiguous.")
DEFECT = (500, "internal_error", "Something went wrong on our side; quote the request id.")


class ProblemThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """One process with threads."""

    wsgi: Any

    def handle(self, conn: Any) -> Any:
        """Serve a connection, or put it back until its request has arrived. With TLS only proxies
        of ours connect, and there is nothing to be seen before the handshake."""
        if self.cfg.is_ssl:
            return super().handle(conn)
        try:
            if not self._has_arrived(conn):
                return gthread._DEFER
        except TimeoutError as error:
            self.handle_error(None, conn.sock, conn.client, error)
            return False
        conn.init()
        conn.parser.unreader.sock = Deadline(conn.sock, time.monotonic() + ARRIVE_S)
        conn.parser.unreader.unread(bytes(conn.ahead))
        conn.ahead, conn.begun_at, conn.data_ready = bytearray(), None, True
        return super().handle(conn)

    def _has_arrived(self, conn: Any) -> bool:
        """Take what is there without waiting. Raises TimeoutError for a client that is too slow."""
        if getattr(conn, "begun_at", None) is None:
            conn.begun_at = time.monotonic()
            conn.ahead = bytearray(conn.parser.unreader.take_buffered() if conn.parser else b"")
        conn.sock.setblocking(False)
        while not is_enough(conn.ahead):
            try:
                received = conn.sock.recv(AHEAD_BYTES_MAX)
            except BlockingIOError:
                if time.monotonic() - conn.begun_at > ARRIVE_S:
                    raise TimeoutError("request") from None
                return False
            except OSError:
                return True
            if not received:
                return True
            conn.ahead += received
        return True

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never reached an application."""
        status, code, detail = refusal_of(exc)
        request_id = new_id(utc_now())
        if status == 500:
            log.error("request failed", request_id=request_id, exc_info=exc)
        else:
            log.info("refused", request_id=request_id, status=status, code=code)
        try:
            util.write_nonblock(client, response(status, code, detail, request_id))
        except OSError:
            log.debug("client gone", request_id=request_id)

    def load_wsgi(self) -> None:
        """``Connection: close`` of an application closes the connection (gunicorn drops it)."""
        super().load_wsgi()
        application: Any = self.wsgi

        def closing(environ: Any, start_response: Any) -> Any:
            def start(status: str, headers: Any, *error: Any) -> Any:
                if ("connection", "close") in ((n.lower(), v.lower()) for n, v in headers):
                    start_response.__self__.force_close()
                return start_response(status, headers, *error)

            return application(environ, start)

        self.wsgi = closing
        tell_serving(self)


class Deadline:
    """A socket whose reads together must be done by a point in time."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def recv(self, size: int) -> bytes:
        """As ``socket.recv``. Raises TimeoutError."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("body")
        self._sock.settimeout(left)
        try:
            return self._sock.recv(size)
        finally:
            self._sock.settimeout(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def is_enough(received: bytearray) -> bool:
    """Whether a thread can begin without having to wait for a slow client."""
    if len(received) >= AHEAD_BYTES_MAX:
        return True
    end = received.find(HEADERS_END)
    if end < 0:
        return False
    head, size = bytes(received[: end + 2]), len(received) - end - len(HEADERS_END)
    if EXPECT.search(head):
        return True
    if CHUNKED.search(head):
        return size > 0 and received.endswith(HEADERS_END)
    length = LENGTH.search(head)
    return length is None or size >= int(length[1])


def refusal_of(error: BaseException) -> Refusal:
    """Status, code and detail for what gunicorn could not read."""
    for kind in type(error).__mro__:
        if kind in REFUSALS:
            return REFUSALS[kind]
    is_ours = isinstance(error, http_errors.InvalidResponseHeader)
    is_parse_error = isinstance(error, http_errors.ParseException) and not is_ours
    return BAD_FRAMING if is_parse_error else DEFECT


def response(status: int, code: str, detail: str, request_id: str) -> bytes:
    """A whole HTTP response that closes the connection."""
    members = errors.body(status, code, detail, request_id=request_id)
    body = json.dumps(members, separators=(",", ":")).encode()
    headers = {
        "Connection": "close",
        "Content-Type": PROBLEM,
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
        **SECURITY_HEADERS,
    }
    lines = [f"HTTP/1.1 {status} {members['title']}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
