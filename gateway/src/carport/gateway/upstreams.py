"""The ways to a service: its WSGI application in this process, or pooled HTTP to another one."""

from __future__ import annotations

import contextvars
import http.client
import io
import itertools
import queue
import select
import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from carport.gateway.framing import Environ, Headers, end_to_end, request_headers
from carport.shared.errors import Unavailable

CONNECT_S = 1.0
ANSWER_S = 30.0
CONNECTIONS_MAX = 32
IDLE_S = 10.0
"""Shorter than the services keep an idle connection: who sends into one that the other side has
just closed does not know whether anything arrived."""
KEPT_S = 30.0
"""How long a connection is used at all: one that never ended would keep its load on one replica."""
CHUNK = 64 * 1024
SAFE = frozenset({"GET", "HEAD"})
EVENTS = "text/event-stream"
PATH_SAFE = "/:@!$&'()*+,;=-._~"

WsgiApp = Callable[..., Iterable[bytes]]


@dataclass
class Answer:
    """What an upstream said; the body may still be on its way."""

    status: int
    reason: str
    headers: Headers
    body: Iterable[bytes]
    close: Callable[[], object] = lambda: None


class Away(Unavailable):
    """The upstream gave no answer; *is_sent* when it may have got the request."""

    def __init__(self, name: str, *, is_sent: bool) -> None:
        self.is_sent = is_sent
        told = (
            "It may have been carried out: send the same request again, with the same "
            "Idempotency-Key where one is needed, to get its answer."
            if is_sent
            else "Nothing was changed; try again in a few seconds."
        )
        super().__init__(f"The {name} service did not answer. {told}")


class Upstream(Protocol):
    """A service as the gateway sees it."""

    name: str

    def call(self, environ: Environ) -> Answer:
        """Pass a request on. Raises Away."""


class InProcess:
    """A WSGI application of this process."""

    def __init__(self, name: str, app: WsgiApp) -> None:
        self.name = name
        self._app = app

    def call(self, environ: Environ) -> Answer:
        """Runs the application in this thread, in a context of its own: what it binds to its log
        lines is not the caller's."""
        told: list[tuple[str, Headers]] = []
        written: list[bytes] = []

        def start(status: str, headers: Headers, _error: Any = None) -> Callable[[bytes], None]:
            told.append((status, headers))
            return written.append

        chunks = contextvars.copy_context().run(self._app, environ, start)
        rest = iter(chunks)
        first = next(rest, b"")
        status, headers = told[-1]
        number, _, reason = status.partition(" ")
        body = itertools.chain(written, (first,), rest)
        close = getattr(chunks, "close", lambda: None)
        return Answer(int(number), reason, end_to_end(headers), body, close)


@dataclass
class Line:
    """A connection to one of the addresses of an upstream."""

    http: http.client.HTTPConnection
    opened_at: float
    used_at: float

    def is_fit(self, now: float) -> bool:
        """Whether another request may be sent: young, used lately, and nothing said since, which
        could only be that the other side has closed it."""
        if now - self.opened_at > KEPT_S or now - self.used_at > IDLE_S:
            return False
        waiting = select.poll()
        waiting.register(self.http.sock, select.POLLIN)
        return not waiting.poll(0)


class Pooled:
    """HTTP/1.1 to other processes over at most 32 kept connections. A name may have several
    addresses, one per replica: each new connection goes to the next of them."""

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        self.name = name
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._turn = itertools.count()
        self._idle: queue.Queue[Line] = queue.Queue(CONNECTIONS_MAX)

    def call(self, environ: Environ) -> Answer:
        """One exchange. A kept connection that turns out dead is replaced once, for requests that
        change nothing; for others it is not known whether they arrived."""
        kept = self._kept()
        if kept and environ["REQUEST_METHOD"] in SAFE:
            try:
                return self._exchange(kept, environ)
            except Away:
                return self._exchange(self._connected(), environ)
        return self._exchange(kept or self._connected(), environ)

    def _kept(self) -> Line | None:
        """The fit one that was used longest ago, so that all of them take part."""
        while True:
            try:
                line = self._idle.get_nowait()
            except queue.Empty:
                return None
            if line.is_fit(time.monotonic()):
                return line
            line.http.close()

    def _connected(self) -> Line:
        for address in self._addresses():
            try:
                http_connection = self._open(address)
            except OSError:
                continue
            now = time.monotonic()
            return Line(http_connection, now, now)
        raise Away(self.name, is_sent=False)

    def _addresses(self) -> list[Any]:
        """All addresses of the upstream's name, beginning with the one whose turn it is."""
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError:
            return []
        addresses = sorted({answer[4][:2] for answer in found})
        first = next(self._turn) % len(addresses)
        return addresses[first:] + addresses[:first]

    def _open(self, address: Any) -> http.client.HTTPConnection:
        sock = socket.create_connection(address, CONNECT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            sock = self._tls.wrap_socket(sock, server_hostname=self._host)
        sock.settimeout(ANSWER_S)
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = sock
        return connection

    def _exchange(self, line: Line, environ: Environ) -> Answer:
        headers = dict(request_headers(environ))
        headers["host"] = headers.get("x-forwarded-host") or self._host
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe=PATH_SAFE)
        query = environ.get("QUERY_STRING")
        target = f"{path}?{query}" if query else path
        body = environ["wsgi.input"].read() or None
        try:
            line.http.request(environ["REQUEST_METHOD"], target, body, headers)
            response = line.http.getresponse()
        except (OSError, http.client.HTTPException):
            line.http.close()
            raise Away(self.name, is_sent=True) from None
        headers_back = end_to_end(response.getheaders())
        chunks = self._chunks(line, response)
        return Answer(response.status, response.reason, headers_back, chunks, chunks.close)

    def _chunks(self, line: Line, response: http.client.HTTPResponse) -> Generator[bytes]:
        """The body, of a stream what there is at a time; the connection is kept only when all of it
        was read."""
        is_whole = False
        is_stream = response.headers.get_content_type() == EVENTS
        read = response.read1 if is_stream else response.read
        try:
            while chunk := read(CHUNK):
                yield chunk
            is_whole = True
        finally:
            self._give_back(line, keep=is_whole and not response.will_close)

    def _give_back(self, line: Line, *, keep: bool) -> None:
        line.used_at = time.monotonic()
        try:
            if keep:
                self._idle.put_nowait(line)
                return
        except queue.Full:
            pass
        line.http.close()


def connect(name: str, where: str | WsgiApp) -> Upstream:
    """The upstream at an address, or in this process."""
    return Pooled(name, where) if isinstance(where, str) else InProcess(name, where)


def get(upstream: Upstream, path: str) -> Answer:
    """Ask *upstream* for *path* on the gateway's own behalf."""
    environ: Environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return upstream.call(environ)
