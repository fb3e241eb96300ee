"""Streams: passed on as they come, few at a time, not longer than this process serves."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from carport.gateway.__main__ import THREADS
from carport.gateway.streams import STREAMS_MAX
from carport.gateway.upstreams import ANSWER_S, Away
from carport.shared.health import SERVING
from werkzeug.test import Client

PATH = "/v1/messages/stream"
SOON_S = 5.0


class Handler(BaseHTTPRequestHandler):
    """Says one thing, and the other when told to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.say(b"data: one\n\n")
        self.server.go_on.wait(SOON_S)
        self.say(b"data: two\n\n")
        self.say(b"")

    def say(self, text):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads, made.go_on = True, threading.Event()
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.go_on.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def streaming(make_gateway, server):
    gateway = make_gateway(stream=f"http://127.0.0.1:{server.server_port}")
    yield gateway
    while line := gateway._upstreams["stream"]._kept():
        line.http.close()


@pytest.fixture
def ask(streaming, bearer):
    """Ask for a stream; the answer's body is not read yet."""
    who = bearer(streaming)
    return lambda **more: Client(streaming).get(PATH, headers=who, **more)


def test_each_event_comes_when_it_is_sent(server, ask):
    answer = ask()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in answer.headers
    events = iter(answer.response)
    assert next(events) == b"data: one\n\n"
    server.go_on.set()
    assert next(events) == b"data: two\n\n"
    assert next(events, None) is None
    answer.close()


def test_streams_have_a_process_of_their_own_the_rest_of_messages_has_not(apps, streaming, bearer):
    answer = Client(streaming).get("/v1/messages", headers=bearer(streaming))
    assert answer.json["service"] == "notifications"


def test_without_such_a_process_notifications_is_asked(client, bearer):
    answer = client.get(PATH, headers=bearer())
    assert (answer.json["service"], answer.json["path"]) == ("notifications", PATH)


def test_few_streams_at_a_time_and_everything_else_goes_on(ask, streaming, bearer):
    held = [ask() for _ in range(STREAMS_MAX)]
    refused = ask()
    assert (refused.status_code, refused.json["code"]) == (503, "temporarily_unavailable")
    assert refused.headers["Retry-After"]
    assert Client(streaming).get("/v1/messages", headers=bearer(streaming)).status_code == 200
    held.pop().close()
    again = ask()
    assert again.status_code == 200
    for each in (*held, again):
        each.close()


def test_a_refusal_or_a_failure_holds_nobody_back(make_gateway, bearer):
    class Gone:
        name = "notifications"

        def call(self, environ):
            raise Away(self.name, is_sent=False)

    gateway = make_gateway()
    gateway._upstreams["notifications"] = Gone()
    for _ in range(STREAMS_MAX + 1):
        with Client(gateway).get(PATH, headers=bearer(gateway)) as answer:
            assert "notifications service did not answer" in answer.json["detail"]
        with Client(gateway).get(PATH) as answer:
            assert answer.status_code == 401


def test_a_process_that_is_told_to_stop_ends_its_streams(server, ask):
    serving = [True]
    with ask(environ_overrides={SERVING: lambda: bool(serving)}) as answer:
        events = iter(answer.response)
        assert next(events) == b"data: one\n\n"
        serving.clear()
        assert next(events, None) is None


def test_the_gateway_waits_longer_than_a_stream_is_silent():
    assert ANSWER_S > 15.0


def test_most_threads_are_for_everything_else():
    assert STREAMS_MAX <= THREADS / 4
