"""The real server on a real port: what gunicorn refuses is a problem too, and slow clients wait
in the poller instead of in a thread."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

THREADS = 4
PROGRAM = Path(__file__).with_name("serve.py")


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    arguments = [sys.executable, str(PROGRAM), str(number), str(folder), str(THREADS)]
    with subprocess.Popen(arguments, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        wait_for(number)
        yield number
        os.killpg(process.pid, signal.SIGTERM)


def wait_for(number):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", number), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def talk(port, *parts, wait=0.0, timeout=10):
    """Send *parts*, *wait* seconds apart, and answer all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        received = b""
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(wait)
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def answers(received):
    """(status, headers, body) of each response in *received*."""
    found = []
    while received.startswith(b"HTTP/1.1 "):
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        found.append((int(lines[0].split()[1]), headers, rest[:length]))
        received = rest[length:]
    return found


def problem(received, status, code):
    ((got, headers, body),) = answers(received)
    members = json.loads(body)
    assert (got, members["code"], members["status"]) == (status, code, status), members
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert headers["x-request-id"] == members["request_id"]
    assert "max-age=31536000" in headers["strict-transport-security"]
    return members


def request(line, *headers, body=b""):
    lines = [line, "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


CLOSE = "Connection: close"
NEXT = request("GET /smuggled HTTP/1.1", CLOSE)


def test_an_ordinary_request_is_served(port):
    got = talk(port, request("POST /v1/auth/x HTTP/1.1", CLOSE, "Content-Length: 5", body=b"hello"))
    ((status, headers, body),) = answers(got)
    assert (status, body, headers["x-path"]) == (200, b"hello", "/v1/auth/x")
    assert headers["server"] == "gunicorn", "and no version"


def test_a_connection_serves_one_request_after_another(port):
    one = request("POST /a HTTP/1.1", "Content-Length: 1", body=b"1")
    two = request("POST /b HTTP/1.1", CLOSE, "Content-Length: 1", body=b"2")
    for parts, wait in (((one, two), 0.2), ((one + two,), 0)):
        paths = [headers["x-path"] for _, headers, _ in answers(talk(port, *parts, wait=wait))]
        assert paths == ["/a", "/b"]


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"garbage\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1 more\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"a" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (request("GET / HTTP/1.1", "X: " + "a" * 17000), 431, "headers_too_large"),
        (request("GET / HTTP/1.1", *[f"X{n}: 1" for n in range(201)]), 431, "headers_too_large"),
        (request("GET / HTTP/1.1", "Bad Name: x"), 400, "bad_framing"),
        (request("GET / HTTP/1.1", "X: a", " folded"), 400, "bad_framing"),
        (request("GET / HTTP/1.1", "X: a\x00b"), 400, "bad_framing"),
        (request("GET / HTTP/1.1", "Host: other"), 400, "bad_framing"),
    ],
)
def test_what_is_no_request_is_a_problem(port, raw, status, code):
    problem(talk(port, raw), status, code)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 0"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding: \x0bchunked",),
    ],
)
def test_a_second_request_hidden_in_ambiguous_framing_is_never_seen(port, headers):
    smuggled = b"0\r\n\r\n" + NEXT
    received = talk(port, request("POST /v1/auth/x HTTP/1.1", *headers, body=smuggled))
    problem(received, 400, "bad_framing")
    assert b"smuggled" not in received


@pytest.mark.parametrize(
    "chunks", [b"5\nhello\r\n0\r\n\r\n", b"xyz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n",
               b"5 5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n"],
)  # fmt: skip
def test_broken_chunks_are_400_and_end_the_connection(port, chunks):
    head = request("POST /v1/auth/x HTTP/1.1", "Transfer-Encoding: chunked")
    received = talk(port, head + chunks + NEXT)
    problem(received, 400, "bad_framing")


def test_a_line_feed_alone_ends_no_request(port):
    received = talk(port, b"GET / HTTP/1.1\nHost: x\n\n" + NEXT, timeout=5)
    assert b"smuggled" not in received
    assert all(status >= 400 for status, _, _ in answers(received))


def test_chunks_are_put_together(port):
    head = request("POST /v1/auth/x HTTP/1.1", CLOSE, "Transfer-Encoding: chunked")
    received = talk(port, head, b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n", wait=0.1)
    ((status, _, body),) = answers(received)
    assert (status, body) == (200, b"hello")


def test_a_client_that_asks_first_is_told_to_continue(port):
    head = request("POST /v1/auth/x HTTP/1.1", CLOSE, "Content-Length: 5", "Expect: 100-continue")
    received = talk(port, head, b"hello", wait=0.2)
    assert received.startswith(b"HTTP/1.1 100 Continue")
    assert received.endswith(b"hello")


def test_a_body_that_is_too_large_is_413_and_closes(port):
    head = request("POST /v1/auth/x HTTP/1.1", "Content-Length: 70000")
    problem(talk(port, head + b"x" * 70000), 413, "payload_too_large")


def test_a_defect_of_an_application_is_an_honest_500(port):
    received = talk(port, request("GET /v1/lender HTTP/1.1", CLOSE))
    problem(received, 500, "internal_error")
    assert b"secret" not in received


def test_headers_that_trickle_are_408_or_closed(port):
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        started = time.monotonic()
        received = b""
        connection.settimeout(0.2)
        for byte in b"GET / HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":
            try:
                connection.sendall(bytes([byte]))
                received = connection.recv(65536)
                break
            except TimeoutError:
                continue
        assert time.monotonic() - started < 5
    problem(received, 408, "request_timeout")


def test_a_long_body_that_trickles_is_given_up(port):
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        head = request("POST /v1/auth/x HTTP/1.1", "Transfer-Encoding: chunked")
        connection.sendall(head + b"5\r\nhello\r\n\r\n\r\n")
        started = time.monotonic()
        received = connection.recv(65536)
        assert time.monotonic() - started < 5
    assert received == b"" or answers(received)[0][0] in (400, 408)


def test_many_slow_clients_cost_no_thread(port):
    slow = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(THREADS * 10)]
    try:
        for number, connection in enumerate(slow):
            head = "POST /v1/auth/x HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
            connection.sendall((head + "\r\nhalf" if number % 2 else head).encode())
        time.sleep(0.2)
        started = time.monotonic()
        for _ in range(10):
            ((status, _, _),) = answers(talk(port, request("GET /fast HTTP/1.1", CLOSE)))
            assert status == 200
        assert time.monotonic() - started < 1
    finally:
        for connection in slow:
            connection.close()
