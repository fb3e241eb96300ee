"""A store that does not answer: nobody gets in, and limits are stricter, never off."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
from carport.shared import sessions, valkey
from carport.shared.errors import Unavailable
from carport.shared.kernel.clock import utc_now
from carport.shared.limits import Limiter, TooMany


@pytest.fixture
def server():
    """It accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def silent(server):
    return f"valkey://127.0.0.1:{server.getsockname()[1]}/0"


def connections(server):
    """How many have come."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@pytest.fixture
def nobody():
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey", "valkeys"])
def test_both_names_of_the_protocol_are_addresses(scheme):
    assert valkey.is_address(f"{scheme}://valkey:6379/0")
    made = valkey.client(f"{scheme}://valkey:6379/0")
    assert made.connection_pool.connection_kwargs["host"] == "valkey"
    assert not valkey.is_address(f"sqlite:///{scheme}.db")
    assert not valkey.is_address(None)


@pytest.mark.parametrize("where", ["silent", "nobody"])
@pytest.mark.parametrize("what", ["is_live", "open", "end"])
def test_sessions_of_a_store_that_is_away_are_unavailable_within_300_ms(where, what, request):
    store = sessions.connect(request.getfixturevalue(where))
    arguments = {"is_live": ("sid", utc_now()), "open": ("sid", utc_now()), "end": ("sid",)}[what]
    taken = []
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            getattr(store, what)(*arguments)
        taken.append(time.monotonic() - started)
    assert min(taken) < 0.3


def test_a_connection_that_breaks_under_a_question_is_opened_again_at_once(server, silent):
    def answer():
        server.accept()[0].close()
        connection, _ = server.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"*2\r\n$1\r\n1\r\n$-1\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    assert sessions.connect(silent).is_live("sid", utc_now())
    thread.join()


@pytest.mark.parametrize("where", ["silent", "nobody"])
def test_without_its_store_a_process_counts_a_quarter_of_each_rule(where, request):
    limiter = Limiter(request.getfixturevalue(where))
    allowed = [limiter.hit("8/minute", "a").is_allowed for _ in range(4)]
    assert allowed == [True, True, False, False]
    assert [limiter.hit("3/minute", "a").is_allowed for _ in range(2)] == [True, False]


def test_a_silent_store_is_asked_once_a_second_not_by_each_request(silent, server):
    limiter = Limiter(silent)
    for _ in range(100):
        limiter.admit("1000/minute", "a")
    assert 1 <= connections(server) <= 2


def test_who_tells_nobody_what_is_left_is_refused_alike():
    limiter = Limiter()
    limiter.admit("1/minute", "a")
    with pytest.raises(TooMany) as refused:
        limiter.admit("1/minute", "a")
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
