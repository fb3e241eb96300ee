"""Refresh tokens: each good once, re-use ends the family, a lost answer does not."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from carport.auth import events, tables


def start(suite, **more):
    answer = suite.log_in(**more)
    assert answer.status_code == 200, answer.json
    return answer.json


def unspent(suite):
    token = tables.refresh_token
    query = sa.select(token.c.session_id).where(token.c.spent_at.is_(None))
    with suite.runtime.reading() as tx:
        return tx.execute(query).scalars().all()


def test_each_refresh_answers_new_tokens_of_the_same_session(registered):
    first = start(registered)
    registered.clock.forward(minutes=9)
    second = registered.refresh(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    sessions = registered.get("/v1/auth/sessions", token=second["access_token"]).json["data"]
    assert len(sessions) == 1


def test_the_same_client_asking_again_within_ten_seconds_gets_the_same_successor(registered):
    token = start(registered)["refresh_token"]
    first = registered.refresh(token).json["refresh_token"]
    registered.clock.forward(seconds=10)
    assert registered.refresh(token).json["refresh_token"] == first
    assert registered.refresh(first).status_code == 200


def test_reuse_after_ten_seconds_ends_the_family(registered):
    issued = start(registered)
    renewed = registered.refresh(issued["refresh_token"]).json
    registered.clock.forward(seconds=11)
    again = registered.refresh(issued["refresh_token"])
    assert (again.status_code, again.json["code"]) == (401, "invalid_grant")
    assert registered.refresh(renewed["refresh_token"]).status_code == 401
    assert registered.get("/v1/auth/me", token=renewed["access_token"]).status_code == 401
    ended = registered.published(events.SESSION_ENDED)[-1].data
    assert ended["reason"] == "refresh_token_reused"


@pytest.mark.parametrize("other", [{"device": "phone"}, {"client_id": "app"}])
def test_reuse_by_another_client_ends_the_family_at_once(registered, other):
    issued = start(registered, device="laptop")
    renewed = registered.refresh(issued["refresh_token"], device="laptop").json
    given = {"device": "laptop", **other}
    assert registered.refresh(issued["refresh_token"], **given).status_code == 401
    assert registered.refresh(renewed["refresh_token"], device="laptop").status_code == 401


def test_an_unspent_token_is_no_good_to_another_client_and_stays_good_to_its_own(registered):
    issued = start(registered, device="laptop")
    assert registered.refresh(issued["refresh_token"], device="phone").status_code == 401
    assert registered.refresh(issued["refresh_token"], device="laptop").status_code == 200


def test_other_texts_are_refused(registered):
    issued = start(registered)
    for token in ("x", issued["access_token"], issued["refresh_token"][:-1], "ü", "A" * 43):
        answer = registered.refresh(token)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_grant")
    assert registered.refresh(issued["refresh_token"]).status_code == 200


def test_an_idle_session_ends_after_an_hour(registered):
    issued = start(registered)
    registered.clock.forward(minutes=59)
    renewed = registered.refresh(issued["refresh_token"]).json
    registered.clock.forward(minutes=60)
    assert registered.refresh(renewed["refresh_token"]).status_code == 401


def test_no_session_lives_longer_than_a_day(registered):
    issued = start(registered)
    for _ in range(31):
        registered.clock.forward(minutes=45)
        issued = registered.refresh(issued["refresh_token"]).json
    registered.clock.forward(minutes=40)
    issued = registered.refresh(issued["refresh_token"]).json
    assert issued["refresh_expires_in"] == 5 * 60
    registered.clock.forward(minutes=5)
    assert registered.refresh(issued["refresh_token"]).status_code == 401


def test_new_links_are_in_the_next_token(registered):
    issued = start(registered)
    registered.clock.forward(minutes=1)
    second, _ = registered.board(number="3300", party_id=registered.party_id)
    registered.refresh(issued["refresh_token"])
    renewed = registered.refresh(issued["refresh_token"]).json
    me = registered.get("/v1/auth/me", token=renewed["access_token"]).json
    assert me["accounts"] == [registered.account_id, second]


def test_a_disabled_user_gets_no_further_tokens(registered):
    issued = start(registered)
    with registered.runtime.transaction() as tx:
        tx.execute(tables.user.update().values(is_disabled=True))
    assert registered.refresh(issued["refresh_token"]).status_code == 401


def test_only_hashes_of_refresh_tokens_are_stored(registered):
    token = start(registered)["refresh_token"]
    with registered.runtime.reading() as tx:
        stored = str(tx.execute(tables.refresh_token.select()).all())
    assert token not in stored


@pytest.mark.parametrize("round_", range(5))
def test_eight_parallel_refreshes_get_one_successor_and_never_leave_two_live(registered, round_):
    token = start(registered)["refresh_token"]
    answers, barrier = [], threading.Barrier(8)

    def refresh():
        barrier.wait()
        answers.append(registered.refresh(token))

    threads = [threading.Thread(target=refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert len(unspent(registered)) == 1


def test_the_database_itself_refuses_a_second_unspent_token(registered):
    start(registered)
    (session_id,) = unspent(registered)
    row = {"token_hash": "x", "session_id": session_id, "issued_at": registered.clock()}
    with pytest.raises(sa.exc.IntegrityError), registered.runtime.transaction() as tx:
        tx.execute(tables.refresh_token.insert().values(row))


def test_a_session_that_the_store_says_has_ended_is_ended(registered, monkeypatch):
    issued = start(registered)
    store = registered.runtime.settings.sessions
    monkeypatch.setattr(store, "is_live", lambda *_: False)
    assert registered.refresh(issued["refresh_token"]).status_code == 401
    monkeypatch.undo()
    assert registered.refresh(issued["refresh_token"]).status_code == 401
    assert registered.published(events.SESSION_ENDED)[-1].data["reason"] == "ended_elsewhere"


def test_a_store_that_forgot_everything_costs_one_refresh(distributed):
    issued = start(distributed)
    distributed.runtime.settings.sessions._live.clear()
    assert distributed.get("/v1/auth/me", token=issued["access_token"]).status_code == 401
    renewed = distributed.refresh(issued["refresh_token"]).json
    assert distributed.get("/v1/auth/me", token=renewed["access_token"]).status_code == 200


def test_a_store_of_its_own_does_not_bring_an_idle_session_back(distributed):
    issued = start(distributed)
    distributed.clock.forward(minutes=60)
    assert distributed.refresh(issued["refresh_token"]).status_code == 401
    assert distributed.get("/v1/auth/me", token=issued["access_token"]).status_code == 401


def test_a_store_of_its_own_is_told_when_a_session_ends(distributed):
    issued = start(distributed)
    access = issued["access_token"]
    assert distributed.call("DELETE", "/v1/auth/sessions/current", token=access).status_code == 204
    assert distributed.get("/v1/auth/me", token=access).status_code == 401
    assert distributed.refresh(issued["refresh_token"]).status_code == 401
