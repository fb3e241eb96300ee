"""Live sessions and limits in a real Valkey, for all replicas, also while it is away."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import timedelta

import pytest
from carport.shared import limits, sessions, valkey
from carport.shared.errors import Unavailable
from carport.shared.kernel.clock import utc_now
from carport.shared.limits import Limiter

TOKEN_LIVES_S = 605
BACK_S_MAX = 5.0


@pytest.fixture
def client(valkey_url):
    with valkey.client(valkey_url) as client:
        yield client


@pytest.fixture
def store(valkey_url):
    return sessions.connect(valkey_url)


@pytest.fixture
def sid():
    return str(uuid.uuid4())


@pytest.fixture
def unit():
    return f"test-{uuid.uuid4()}"


def soon(**by):
    return utc_now() + timedelta(**(by or {"hours": 1}))


def lives(store, sid):
    return store.is_live(sid, utc_now())


def until(look, within_s=BACK_S_MAX):
    """What *look* answers once it is true."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return found


def test_a_session_lives_from_its_opening_to_its_end_on_every_replica(store, valkey_url, sid):
    other = sessions.connect(valkey_url)
    assert not lives(other, sid)
    store.open(sid, soon())
    assert lives(other, sid)
    other.end(sid)
    assert not lives(store, sid)


def test_the_end_wins_over_an_opening_that_comes_late(store, sid):
    store.open(sid, soon())
    store.end(sid)
    store.open(sid, soon())
    assert not lives(store, sid)


def test_keys_go_by_themselves_the_end_after_every_token(store, client, sid):
    store.open(sid, soon(minutes=30))
    assert 1790 <= client.ttl(f"session:{sid}") <= 1800
    store.end(sid)
    assert TOKEN_LIVES_S < client.ttl(f"ended:{sid}") <= 660
    assert client.exists(f"session:{sid}") == 0


def test_a_session_is_over_when_its_time_is(store, sid):
    store.open(sid, soon(milliseconds=80))
    assert lives(store, sid)
    until(lambda: not lives(store, sid))


def test_both_keys_are_read_in_one_round_trip(own_valkey, sid):
    store = sessions.connect(own_valkey.url)
    lives(store, sid)
    with valkey.client(own_valkey.url) as client:
        client.config_resetstat()
        lives(store, sid)
        calls = {name: told["calls"] for name, told in client.info("commandstats").items()}
    assert calls == {"cmdstat_config|resetstat": 1, "cmdstat_mget": 1}


def test_a_paused_store_is_away_within_300_ms_and_forgets_nothing(own_valkey, sid):
    store = sessions.connect(own_valkey.url)
    store.open(sid, soon())
    own_valkey.pause()
    taken = []
    for call in (lambda: lives(store, sid), lambda: store.end(sid), lambda: lives(store, sid)):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            call()
        taken.append(time.monotonic() - started)
    own_valkey.resume()
    assert max(taken) < 0.3
    until(lambda: not lives(store, sid))  # it was told of the end, and does it now


def test_late_answers_of_a_paused_store_are_given_to_nobody(own_valkey, sid):
    store = sessions.connect(own_valkey.url)
    store.open(sid, soon())
    unknown = str(uuid.uuid4())
    for _ in range(5):
        own_valkey.pause()
        asking = [threading.Thread(target=ask, args=(store, sid)) for _ in range(8)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        own_valkey.resume()
        assert [lives(store, each) for each in (unknown, sid) * 10] == [False, True] * 10


def ask(store, sid):
    with pytest.raises(Unavailable):
        lives(store, sid)


def test_a_store_that_was_killed_comes_back_empty_and_is_used_at_once(own_valkey, sid):
    store = sessions.connect(own_valkey.url)
    store.open(sid, soon())
    own_valkey.kill()
    with pytest.raises(Unavailable):
        lives(store, sid)
    own_valkey.start()
    assert not lives(store, sid)
    store.open(sid, soon())
    assert lives(store, sid)


def test_a_full_store_lets_in_who_is_in_and_opens_and_ends_nothing(own_valkey, sid, unit):
    store, limiter = sessions.connect(own_valkey.url), Limiter(own_valkey.url, unit=unit)
    store.open(sid, soon())
    with valkey.client(own_valkey.url) as client:
        client.config_set("maxmemory", 1)
        for call in (lambda: store.open("another", soon()), lambda: store.end(sid)):
            with pytest.raises(Unavailable):
                call()
        assert lives(store, sid)
        assert count(limiter, 40) == 5
        client.config_set("maxmemory", 0)
    store.end(sid)
    assert not lives(store, sid)


def test_three_processes_count_one_limit_together(valkey_url, unit):
    replicas = [Limiter(valkey_url, unit=unit) for _ in range(3)]
    allowed = []

    def hit(limiter):
        allowed.extend(limiter.hit("60/minute", "somebody").is_allowed for _ in range(60))

    threads = [threading.Thread(target=hit, args=(each,)) for each in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 60 <= sum(allowed) <= 66
    assert not Limiter(valkey_url, unit=unit).hit("60/minute", "somebody").is_allowed
    assert Limiter(valkey_url, unit=unit).hit("60/minute", "somebody else").is_allowed


def test_two_units_are_counted_apart(valkey_url, unit):
    for name in (unit, f"{unit}-other"):
        Limiter(valkey_url, unit=name).admit("1/minute", "list", "user")


def test_without_the_store_a_limit_is_a_quarter_and_with_it_whole_again(own_valkey, unit):
    limiter = Limiter(own_valkey.url, unit=unit)
    assert count(limiter, 40) == 20
    own_valkey.kill()
    assert count(limiter, 40) == 5
    assert count(limiter, 40) == 0
    own_valkey.start()
    until(lambda: count(limiter, 1))
    assert 1 + count(limiter, 40) == 20


def test_a_paused_store_delays_little_and_still_knows_its_counts(own_valkey, unit):
    limiter = Limiter(own_valkey.url, unit=unit)
    assert count(limiter, 20) == 20
    own_valkey.pause()
    started = time.monotonic()
    assert count(limiter, 40) == 5
    assert time.monotonic() - started < limits.AWAY_S
    own_valkey.resume()
    until(lambda: time.monotonic() - started > limits.AWAY_S + valkey.SILENT_S)
    assert count(limiter, 1) == 0
    assert limiter.hit("20/minute", "somebody").limit == 20


def count(limiter, hits):
    """How many of so many hits are within the rule."""
    return sum(limiter.hit("20/minute", "somebody").is_allowed for _ in range(hits))
