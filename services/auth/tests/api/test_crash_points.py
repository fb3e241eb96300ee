"""Auth dies at the two points where the store and the database know different things."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from carport.auth import events, tables

ROTATED = "auth.after_rotation"
KEY_DELETED = "auth.after_session_key_deleted"


@pytest.fixture
def dying(monkeypatch):
    """Fail what is done within, at the named point."""

    def at(point, call, *given, **more):
        monkeypatch.setenv("CARPORT_FAILPOINT", f"{point}:raise")
        answer = call(*given, **more)
        monkeypatch.delenv("CARPORT_FAILPOINT")
        assert answer.status_code == 500
        assert "token" not in answer.text

    return at


def live_tokens(suite):
    token = tables.refresh_token
    query = sa.select(sa.func.count()).where(token.c.spent_at.is_(None))
    with suite.runtime.reading() as tx:
        return tx.execute(query).scalar_one()


def test_a_client_that_lost_its_rotation_asks_again_and_goes_on(distributed, dying):
    issued = distributed.log_in().json
    dying(ROTATED, distributed.refresh, issued["refresh_token"])
    again = [distributed.refresh(issued["refresh_token"]).json for _ in range(2)]
    assert len({each["refresh_token"] for each in again}) == 1
    assert live_tokens(distributed) == 1
    assert distributed.refresh(again[0]["refresh_token"]).status_code == 200


def test_a_client_that_asks_again_too_late_has_to_log_in(distributed, dying):
    issued = distributed.log_in().json
    dying(ROTATED, distributed.refresh, issued["refresh_token"])
    distributed.clock.forward(seconds=11)
    assert distributed.refresh(issued["refresh_token"]).status_code == 401
    assert distributed.get("/v1/auth/me", token=issued["access_token"]).status_code == 401
    assert distributed.log_in().status_code == 200


def test_a_session_whose_key_is_gone_never_works_again_though_no_end_was_committed(
    distributed, dying
):
    issued = distributed.log_in().json
    access = issued["access_token"]
    dying(KEY_DELETED, distributed.call, "DELETE", "/v1/auth/sessions/current", token=access)
    assert distributed.published(events.SESSION_ENDED) == []
    assert distributed.get("/v1/auth/me", token=access).status_code == 401
    assert distributed.refresh(issued["refresh_token"]).status_code == 401
    ended = distributed.published(events.SESSION_ENDED)[-1].data
    assert ended["reason"] == "ended_elsewhere"
    assert distributed.refresh(issued["refresh_token"]).status_code == 401


def test_a_new_password_that_was_not_committed_leaves_the_old_one_good(distributed, dying):
    distributed.log_in()
    fresh = distributed.log_in().json["access_token"]
    wanted = {"password": "three quiet otters 7 "}
    dying(KEY_DELETED, distributed.call, "PUT", "/v1/auth/me/password", wanted, token=fresh)
    assert distributed.published(events.PASSWORD_CHANGED) == []
    assert distributed.get("/v1/auth/me", token=fresh).status_code == 200
    assert distributed.log_in(password=wanted["password"]).status_code == 401
    assert distributed.log_in().status_code == 200
