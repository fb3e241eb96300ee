"""The ways to a service: its WSGI application in this process, or pooled HTTP to another one."""

from __future__ import annotations

import contextvars
import http.client
import io
import itertools
import queue
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from carport.gateway.framing import Environ, Headers, end_to_end, request_headers
from carport.shared.errors import Unavailable

CONNECT_S = 1.0
ANSWER_S = 30.0
CONNECTIONS_MAX = 32
CHUNK = 64 * 1024
SAFE = frozenset({"GET", "HEAD"})
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


class Pooled:
    """HTTP/1.1 to another process over at most 32 kept connections."""

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        self.name = name
        self._address = (parts.hostname or "", parts.port)
        secure, plain = http.client.HTTPSConnection, http.client.HTTPConnection
        self._kind = secure if parts.scheme == "https" else plain
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue(CONNECTIONS_MAX)

    def call(self, environ: Environ) -> Answer:
        """One exchange. A kept connection that turns out dead is replaced once, for requests that
        change nothing; for others it is not known whether they arrived."""
        kept = self._kept()
        if kept and environ["REQUEST_METHOD"] in SAFE:
            try:
                return self._exchange(kept, environ)
            except Away:
                return self._exchange(self._connected(), environ)
        return self._exchange(self._connected() if kept is None else kept, environ)

    def _kept(self) -> http.client.HTTPConnection | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None

    def _connected(self) -> http.client.HTTPConnection:
        connection = self._kind(*self._address, timeout=CONNECT_S)
        try:
            connection.connect()
        except OSError:
            raise Away(self.name, is_sent=False) from None
        connection.sock.settimeout(ANSWER_S)
        return connection

    def _exchange(self, connection: http.client.HTTPConnection, environ: Environ) -> Answer:
        headers = dict(request_headers(environ))
        headers["host"] = headers.get("x-forwarded-host") or self._address[0]
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe=PATH_SAFE)
        query = environ.get("QUERY_STRING")
        target = f"{path}?{query}" if query else path
        body = environ["wsgi.input"].read() or None
        try:
            connection.request(environ["REQUEST_METHOD"], target, body, headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise Away(self.name, is_sent=True) from None
        headers_back = end_to_end(response.getheaders())
        chunks = self._chunks(connection, response)
        return Answer(response.status, response.reason, headers_back, chunks, chunks.close)

    def _chunks(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> Generator[bytes]:
        """The body; the connection is kept only when all of it was read."""
        is_whole = False
        try:
            while chunk := response.read(CHUNK):
                yield chunk
            is_whole = True
        finally:
            self._give_back(connection, keep=is_whole and not response.will_close)

    def _give_back(self, connection: http.client.HTTPConnection, *, keep: bool) -> None:
        try:
            if keep:
                self._idle.put_nowait(connection)
                return
        except queue.Full:
            pass
        connection.close()


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
