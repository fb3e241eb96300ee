"""An ended session never works again, however hard one tries."""

from __future__ import annotations

import threading
import time

import pytest
from carport.shared.errors import Unavailable
from carport.shared.web import create_app

HAMMERS = 6
ROUNDS = 5


def end_by_logout(suite, issued):
    return suite.call("DELETE", "/v1/auth/sessions/current", token=issued["access_token"])


def end_by_new_password(suite, issued):
    fresh = suite.log_in().json["access_token"]
    return suite.call(
        "PUT", "/v1/auth/me/password", {"password": "three quiet otters 7 "}, token=fresh
    )


@pytest.mark.parametrize("end", [end_by_logout, end_by_new_password])
def test_no_request_succeeds_after_the_end_was_answered(registered, end):
    issued = registered.log_in().json
    answered_at, successes, stopping = [], [], threading.Event()

    def hammer():
        while not stopping.is_set():
            begun = time.monotonic()
            if registered.get("/v1/auth/me", token=issued["access_token"]).status_code == 200:
                successes.append(begun)

    threads = [threading.Thread(target=hammer) for _ in range(HAMMERS)]
    for thread in threads:
        thread.start()
    while len(successes) < HAMMERS:
        time.sleep(0)
    assert end(registered, issued).status_code == 204
    answered_at.append(time.monotonic())
    for _ in range(ROUNDS):
        assert registered.refresh(issued["refresh_token"]).status_code == 401
    stopping.set()
    for thread in threads:
        thread.join()
    assert successes
    assert [each for each in successes if each > answered_at[0]] == []


def test_an_ended_session_stays_ended_after_a_restart(registered):
    issued = registered.log_in().json
    assert end_by_logout(registered, issued).status_code == 204
    registered.app = create_app(registered.runtime)
    assert registered.get("/v1/auth/me", token=issued["access_token"]).status_code == 401
    assert registered.refresh(issued["refresh_token"]).status_code == 401


def test_when_the_store_of_sessions_is_away_nobody_gets_in(registered, monkeypatch):
    issued = registered.log_in().json

    def away(*_):
        raise Unavailable

    monkeypatch.setattr(registered.runtime.settings.sessions, "is_live", away)
    answer = registered.get("/v1/auth/me", token=issued["access_token"])
    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")


def test_a_logout_that_cannot_be_stored_is_not_answered_as_done(registered, monkeypatch):
    issued = registered.log_in().json

    def away(*_):
        raise Unavailable

    monkeypatch.setattr(registered.runtime.settings.sessions, "end", away)
    assert end_by_logout(registered, issued).status_code == 503
