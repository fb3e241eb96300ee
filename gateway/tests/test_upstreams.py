"""HTTP to another process: pooled, bounded in time, and honest about what may have happened."""

from __future__ import annotations

import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from carport.gateway import upstreams
from carport.gateway.upstreams import Away, Pooled


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        server = self.server
        status = server.status
        server.connections.add(self.client_address)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        server.seen.append((self.command, self.path, dict(self.headers), body))
        if server.hang_up:
            server.hang_up -= 1
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        text = json.dumps({"path": self.path}).encode()
        if server.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (text[:3], text[3:], b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            return
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(text)

    def log_message(self, *_):
        pass


for verb in ("GET", "HEAD", "POST"):
    setattr(Handler, f"do_{verb}", Handler.handle_any)


def serve(address="127.0.0.1", port=0):
    made = ThreadingHTTPServer((address, port), Handler)
    made.seen, made.connections, made.hang_up = [], set(), 0
    made.status, made.is_chunked = 200, False
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    return made


def stop(server):
    server.shutdown()
    server.server_close()


@pytest.fixture
def server():
    made = serve()
    yield made
    stop(made)


@pytest.fixture
def replica(server):
    """A second one, at another address and the same port."""
    made = serve("127.0.0.2", server.server_port)
    yield made
    stop(made)


@pytest.fixture
def pooled(server):
    made = Pooled("payments", f"http://127.0.0.1:{server.server_port}")
    yield made
    while not made._idle.empty():
        made._idle.get_nowait().http.close()


def environ(method="GET", path="/v1/payments", body=b"", query="", **headers):
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json" if body else "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.input": io.BytesIO(body),
        "HTTP_X_FORWARDED_HOST": "carport.example.com",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }


def read(answer):
    text = b"".join(answer.body)
    answer.close()
    return text


def test_a_request_is_passed_on_whole(pooled, server):
    answer = pooled.call(
        environ("POST", "/v1/caf\xc3\xa9 x", b'{"a":1}', "q=%C3%A9", x_request_id="abcd-1234")
    )
    assert (answer.status, read(answer)) == (200, b'{"path": "/v1/caf%C3%A9%20x?q=%C3%A9"}')
    method, path, headers, body = server.seen[-1]
    assert (method, path, body) == ("POST", "/v1/caf%C3%A9%20x?q=%C3%A9", b'{"a":1}')
    assert headers["x-request-id"] == "abcd-1234"
    assert headers["host"] == "carport.example.com"
    assert headers["content-type"] == "application/json"


def test_a_connection_is_used_again_once_its_answer_was_read(pooled, server):
    for _ in range(5):
        read(pooled.call(environ()))
    assert len(server.connections) == 1


def test_a_connection_whose_answer_was_not_read_is_not_used_again(pooled, server):
    answer = pooled.call(environ())
    next(iter(answer.body))
    answer.close()
    read(pooled.call(environ()))
    assert len(server.connections) == 2


def test_a_chunked_answer_arrives_whole(pooled, server):
    server.is_chunked = True
    answer = pooled.call(environ())
    assert json.loads(read(answer)) == {"path": "/v1/payments"}
    assert "transfer-encoding" not in {name.lower() for name, _ in answer.headers}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_without_a_body_has_none_and_the_connection_lives(pooled, server, method, status):
    server.status = status
    assert read(pooled.call(environ(method))) == b""
    server.status = 200
    assert read(pooled.call(environ()))
    assert len(server.connections) == 1


def test_a_kept_connection_that_died_is_replaced_for_a_read(pooled, server):
    read(pooled.call(environ()))
    server.hang_up = 1
    assert read(pooled.call(environ()))


def test_but_not_for_a_change_which_may_have_arrived(pooled, server):
    read(pooled.call(environ()))
    server.hang_up = 1
    with pytest.raises(Away) as away:
        pooled.call(environ("POST", body=b"{}"))
    assert away.value.is_sent
    assert "same Idempotency-Key" in str(away.value)
    assert len([seen for seen in server.seen if seen[0] == "POST"]) == 1


def test_a_service_that_is_not_there_got_nothing(server):
    server.shutdown()
    server.server_close()
    gone = Pooled("payments", f"http://127.0.0.1:{server.server_port}")
    with pytest.raises(Away) as away:
        gone.call(environ("POST", body=b"{}"))
    assert not away.value.is_sent
    assert "Nothing was changed" in str(away.value)


def make_old(pooled, **ages):
    """As if the kept connection had been opened or used that many seconds earlier."""
    line = pooled._idle.get_nowait()
    for name, seconds in ages.items():
        setattr(line, name, getattr(line, name) - seconds)
    pooled._idle.put_nowait(line)


@pytest.mark.parametrize("ages", [{"used_at": 11}, {"opened_at": 31}])
def test_a_connection_that_was_idle_or_is_old_is_replaced_even_for_a_change(pooled, server, ages):
    read(pooled.call(environ()))
    make_old(pooled, **ages)
    assert read(pooled.call(environ("POST", body=b"{}")))
    assert len(server.connections) == 2


def test_a_connection_the_service_has_closed_is_replaced_even_for_a_change(pooled, server):
    read(pooled.call(environ()))
    line = pooled._idle.get_nowait()
    line.http.sock.shutdown(socket.SHUT_RDWR)
    pooled._idle.put_nowait(line)
    assert read(pooled.call(environ("POST", body=b"{}")))
    assert len(server.connections) == 2


@pytest.fixture
def two_addresses(monkeypatch, server, replica):
    look_up = socket.getaddrinfo

    def both(host, *more, **named):
        hosts = ("127.0.0.1", "127.0.0.2") if host == "payments-web" else (host,)
        return [found for each in hosts for found in look_up(each, *more, **named)]

    monkeypatch.setattr(upstreams.socket, "getaddrinfo", both)
    made = Pooled("payments", f"http://payments-web:{server.server_port}")
    yield made
    while not made._idle.empty():
        made._idle.get_nowait().http.close()


def test_the_replicas_of_a_service_share_its_requests(two_addresses, server, replica):
    together = [two_addresses.call(environ()) for _ in range(4)]
    for answer in together:
        read(answer)
    for _ in range(8):
        read(two_addresses.call(environ()))
    assert [len(each.connections) for each in (server, replica)] == [2, 2]
    assert [len(each.seen) for each in (server, replica)] == [6, 6]


def test_a_replica_that_is_gone_is_passed_over(two_addresses, server, replica):
    stop(replica)
    for _ in range(4):
        answer = two_addresses.call(environ("POST", body=b"{}"))
        next(iter(answer.body))
        answer.close()
    assert len(server.seen) == 4


def test_a_service_that_says_nothing_is_given_up(monkeypatch, server):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(upstreams, "ANSWER_S", 0.2)
        mute = Pooled("payments", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Away) as away:
            mute.call(environ())
    assert away.value.is_sent
