"""Several processes of auth and of the gateway, on one database and one Valkey, act as one."""

from __future__ import annotations

import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from carport.auth.commands import staff
from carport.auth.commands.means import Means
from carport.auth.domain import backoff
from carport.auth.tokens import Keys
from carport.gateway import app as gateway_app
from carport.gateway.app import create_gateway
from carport.shared import sessions, testing
from redis import Redis
from support.client import eventually
from support.replicas import ME, PASSWORD, Replicas
from werkzeug.test import Client

NEW_PASSWORD = "four loud herons 88"
HAMMERS, ROUNDS = (20, 100) if os.environ.get("CARPORT_PROOF") else (6, 20)


@pytest.fixture
def replicas(tmp_path, database_url, valkey_url):
    made = Replicas(tmp_path, database_url=database_url, store_url=valkey_url)
    yield made
    made.stop()


@pytest.fixture
def on_own_store(tmp_path, database_url, own_valkey):
    made = Replicas(tmp_path, database_url=database_url, store_url=own_valkey.url)
    yield made
    made.stop()


def by_logout(replicas, name, issued):
    token = issued["access_token"]
    answer = replicas.call("DELETE", "/v1/auth/sessions/current", door=1, token=token)
    assert answer.status_code == 204


def from_another_session(replicas, name, issued):
    token = replicas.log_in(name).json["access_token"]
    assert replicas.call("DELETE", "/v1/auth/sessions", door=1, token=token).status_code == 204


def by_new_password(replicas, name, issued):
    token = replicas.log_in(name).json["access_token"]
    body = {"password": NEW_PASSWORD, "current_password": PASSWORD}
    answer = replicas.call("PUT", "/v1/auth/me/password", body, door=1, token=token)
    assert answer.status_code == 204


def by_reuse(replicas, name, issued):
    token = issued["refresh_token"]
    assert replicas.refresh(token, device="mine").status_code == 200
    assert replicas.refresh(token, door=1, device="a thief's").status_code == 401


def by_operator(replicas, name, issued):
    runtime = replicas.runtimes[1]
    live = sessions.connect(runtime.settings.sessions)
    means = Means(Keys.of(runtime.settings.keys), live=live, now=runtime.clock())
    with runtime.transaction() as tx:
        staff.disable(tx, name, means=means)


ENDS = [
    (by_logout, ROUNDS),
    (from_another_session, ROUNDS // 5),
    (by_new_password, ROUNDS // 5),
    (by_reuse, ROUNDS // 5),
    (by_operator, ROUNDS // 5),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("end", "rounds"), ENDS)
def test_no_replica_lets_in_a_session_whose_end_was_answered(replicas, end, rounds):
    late = []
    for _ in range(rounds):
        name = replicas.add_user()
        issued = replicas.log_in(name, device="mine").json
        begun, answered_at = hammered(
            replicas, issued, lambda n=name, i=issued: end(replicas, n, i)
        )
        late += [each for each in begun if each > answered_at]
        assert replicas.refresh(issued["refresh_token"], device="mine").status_code == 401
    assert late == []


def hammered(replicas, issued, end):
    """When successful requests began, by all doors at once, and when *end* was answered."""
    begun, stopping = [], threading.Event()

    def hammer(door):
        while not stopping.is_set():
            at = time.monotonic()
            if replicas.call("GET", ME, door=door, token=issued["access_token"]).status_code == 200:
                begun.append(at)

    doors = len(replicas.doors)
    threads = [threading.Thread(target=hammer, args=(n % doors,)) for n in range(HAMMERS)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(begun) >= HAMMERS, "the hammers to get in")
        end()
        answered_at = time.monotonic()
        for door in range(doors):
            answer = replicas.call("GET", ME, door=door, token=issued["access_token"])
            assert answer.status_code == 401
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    return begun, answered_at


def test_after_a_restart_of_everything_who_was_out_is_out_and_who_was_in_refreshes(
    on_own_store, own_valkey
):
    name = on_own_store.add_user()
    out, stays = (on_own_store.log_in(name).json for _ in range(2))
    by_logout(on_own_store, name, out)
    own_valkey.kill()
    own_valkey.start()
    on_own_store.start()
    for issued in (out, stays):
        answer = on_own_store.call("GET", ME, token=issued["access_token"])
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert on_own_store.refresh(out["refresh_token"]).status_code == 401
    renewed = on_own_store.refresh(stays["refresh_token"]).json["access_token"]
    assert on_own_store.call("GET", ME, door=1, token=renewed).status_code == 200


@pytest.mark.parametrize("way", ["pause", "kill"])
def test_without_the_store_nobody_gets_in_or_out_and_is_told_so_within_300_ms(
    on_own_store, own_valkey, way
):
    name = on_own_store.add_user()
    issued = on_own_store.log_in(name).json
    token = issued["access_token"]
    getattr(own_valkey, way)()
    for door in range(len(on_own_store.doors)):
        started = time.monotonic()
        answer = on_own_store.call("GET", ME, door=door, token=token)
        taken = time.monotonic() - started
        assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert taken < 0.3
    assert on_own_store.log_in(name).status_code == 503
    assert on_own_store.refresh(issued["refresh_token"]).status_code == 503
    own_valkey.resume() if way == "pause" else own_valkey.start()
    renewed = on_own_store.refresh(issued["refresh_token"]).json["access_token"]
    assert on_own_store.call("GET", ME, door=1, token=renewed).status_code == 200


def test_a_store_that_forgot_the_end_of_a_session_does_not_let_it_in(replicas, valkey_url):
    issued = replicas.log_in(replicas.add_user()).json
    token = issued["access_token"]
    (session,) = replicas.call("GET", "/v1/auth/sessions", token=token).json["data"]
    by_logout(replicas, "", issued)
    with Redis.from_url(valkey_url) as client:
        assert client.delete(f"ended:{session['id']}") == 1
    assert replicas.call("GET", ME, token=token).status_code == 401
    assert replicas.refresh(issued["refresh_token"]).status_code == 401


def test_wrong_passwords_at_all_replicas_are_counted_together_and_survive_a_restart(
    replicas, monkeypatch
):
    name, looked_at, may_try = replicas.add_user(), [], backoff.may_try

    def seen(*given, **more):
        allowed = may_try(*given, **more)
        looked_at.append(allowed)
        return allowed

    monkeypatch.setattr(backoff, "may_try", seen)
    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(replicas.log_in, name, "not this one", door=n % 2) for n in range(24)]
    assert {each.result().status_code for each in tries} == {401}
    assert (len(looked_at), sum(looked_at)) == (24, backoff.FAILURES_FREE)
    replicas.start()
    assert [replicas.log_in(name, door=door).status_code for door in (0, 1)] == [401, 401]


def test_gateways_count_an_address_together_whatever_it_says_of_itself(
    tmp_path, valkey_url, monkeypatch
):
    monkeypatch.setattr(gateway_app, "ADDRESS_RULE", "20/minute")
    settings = testing.settings("gateway", tmp_path, limits_url=valkey_url, limits_factor=1)
    gateways = [Client(create_gateway(settings, {"accounts": lender})) for _ in range(3)]
    number = uuid.uuid4().int
    address = f"10.{number % 256}.{number // 256 % 256}.{number // 65536 % 256}"
    statuses = [
        gateways[n % 3]
        .get(
            "/v1/lender",
            headers={"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}"},
            environ_overrides={"REMOTE_ADDR": address},
        )
        .status_code
        for n in range(60)
    ]
    assert 20 <= statuses.count(200) <= 22
    assert statuses.count(429) == 60 - statuses.count(200)


def lender(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]
