"""Sessions: seen, ended, and then dead for good."""

from __future__ import annotations

import pytest
from carport.auth import events
from carport.auth.commands.sessions import SESSIONS_PER_USER_MAX
from carport.shared.kernel.ids import new_id

SESSIONS = "/v1/auth/sessions"


def is_alive(suite, issued):
    return suite.get("/v1/auth/me", token=issued["access_token"]).status_code == 200


def ids(suite, issued):
    data = suite.get(SESSIONS, token=issued["access_token"]).json["data"]
    return {session["id"]: session for session in data}


def test_a_user_sees_all_sessions_and_which_is_this_one(registered):
    first = registered.log_in().json
    registered.clock.forward(minutes=1)
    second = registered.log_in().json
    seen = registered.get(SESSIONS, token=second["access_token"]).json
    assert [session["current"] for session in seen["data"]] == [True, False]
    assert set(seen["data"][0]) == {"id", "created_at", "last_used_at", "client_id", "current"}
    assert seen["data"][0]["created_at"] == "2026-03-02T15:01:00Z"
    assert seen["next_cursor"] is None
    assert is_alive(registered, first)


def test_ending_one_session_leaves_the_others(registered):
    first, second = registered.log_in().json, registered.log_in().json
    own = ids(registered, second)
    other = next(id_ for id_, session in own.items() if not session["current"])
    answer = registered.call("DELETE", f"{SESSIONS}/{other}", token=second["access_token"])
    assert answer.status_code == 204
    assert not is_alive(registered, first)
    assert registered.refresh(first["refresh_token"]).status_code == 401
    assert is_alive(registered, second)
    ended = registered.published(events.SESSION_ENDED)[-1].data
    assert ended["session_id"] == other
    assert ended["reason"] == "ended_by_user"


def test_ending_all_others_leaves_this_one(registered):
    others = [registered.log_in().json for _ in range(3)]
    mine = registered.log_in().json
    assert registered.call("DELETE", SESSIONS, token=mine["access_token"]).status_code == 204
    assert [is_alive(registered, each) for each in (*others, mine)] == [False] * 3 + [True]


def test_logging_out_ends_this_session_and_no_other(registered):
    other, mine = registered.log_in().json, registered.log_in().json
    answer = registered.call("DELETE", f"{SESSIONS}/current", token=mine["access_token"])
    assert answer.status_code == 204
    assert not is_alive(registered, mine)
    assert is_alive(registered, other)
    again = registered.call("DELETE", f"{SESSIONS}/current", token=mine["access_token"])
    assert again.status_code == 401


@pytest.mark.parametrize("id_", ["random", "foreign", "ended", "11111111-1111", "CURRENT"])
def test_sessions_that_are_not_the_callers_are_not_found(registered, id_):
    registered.board(number="777", last_name="Okafor", ssn="1111")
    registered.register(
        account_number="777", last_name="Okafor", ssn_last4="1111", email="chi@example.com"
    )
    foreign = registered.log_in("chi@example.com").json
    mine, ended = registered.log_in().json, registered.log_in().json
    (ended_id,) = [k for k, s in ids(registered, ended).items() if s["current"]]
    registered.call("DELETE", f"{SESSIONS}/current", token=ended["access_token"])
    asked = {
        "random": new_id(registered.clock()),
        "foreign": next(iter(ids(registered, foreign))),
        "ended": ended_id,
    }.get(id_, id_)
    answer = registered.call("DELETE", f"{SESSIONS}/{asked}", token=mine["access_token"])
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert is_alive(registered, foreign)


def test_every_login_is_a_new_session(registered):
    issued = [registered.log_in().json for _ in range(3)]
    assert len(ids(registered, issued[0])) == 3


def test_the_oldest_session_gives_way_to_one_too_many(registered):
    first = registered.log_in(device="laptop").json
    registered.clock.forward(seconds=1)
    for _ in range(SESSIONS_PER_USER_MAX):
        last = registered.log_in(device="laptop").json
    assert not is_alive(registered, first)
    assert len(ids(registered, last)) == SESSIONS_PER_USER_MAX


def test_a_token_expires_after_ten_minutes_and_says_so(registered):
    issued = registered.log_in().json
    registered.clock.forward(minutes=10)
    answer = registered.get("/v1/auth/me", token=issued["access_token"])
    assert (answer.status_code, answer.json["code"]) == (401, "token_expired")
