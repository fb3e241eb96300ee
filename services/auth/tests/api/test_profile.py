"""The caller's own profile: user name, password, step-up, further contracts."""

from __future__ import annotations

import pytest
from carport.auth import events
from carport.shared.kernel.ids import new_id

ME = "/v1/auth/me"
STEP_UP = "/v1/auth/me/step-up"
PASSWORD = "/v1/auth/me/password"
LINKS = "/v1/auth/account-links"
OLD = "three quiet otters 7"
NEW = "many blue kettles 42"


@pytest.fixture
def access(registered):
    """An access token whose password was given more than five minutes ago."""
    issued = registered.log_in().json
    registered.clock.forward(minutes=6)
    return registered.refresh(issued["refresh_token"]).json["access_token"]


def tag(suite, access):
    return suite.get(ME, token=access).headers["ETag"]


def test_the_profile_says_who_one_is(registered):
    access = registered.log_in().json["access_token"]
    me = registered.get(ME, token=access).json
    assert me == {
        "id": me["id"],
        "email": "ana.rivera@example.com",
        "username": "Ana.R",
        "email_verified": True,
        "party": registered.party_id,
        "accounts": [registered.account_id],
        "scopes": ["customer"],
        "created_at": "2026-03-02T15:00:00Z",
        "step_up_until": "2026-03-02T15:05:00Z",
    }
    registered.clock.forward(minutes=5)
    assert registered.get(ME, token=access).json["step_up_until"] is None


def test_the_user_name_changes_with_a_fresh_password_and_the_etag(registered):
    access = registered.log_in().json["access_token"]
    headers = {"If-Match": tag(registered, access)}
    answer = registered.call("PATCH", ME, {"username": "Ana-R"}, token=access, **headers)
    assert (answer.status_code, answer.json["username"]) == (200, "Ana-R")
    assert registered.log_in("ana-r").status_code == 200
    assert registered.log_in("ana.r").status_code == 401
    stale = registered.call("PATCH", ME, {"username": "Ana3"}, token=access, **headers)
    assert (stale.status_code, stale.json["code"]) == (412, "stale_version")
    blind = registered.call("PATCH", ME, {"username": "Ana3"}, token=access)
    assert (blind.status_code, blind.json["code"]) == (428, "precondition_required")


def test_an_old_login_is_not_enough_to_change_the_user_name(registered, access):
    answer = registered.call("PATCH", ME, {"username": "ana3"}, token=access, **{"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (401, "step_up_required")


def test_a_taken_user_name_is_refused_in_any_spelling_and_ones_own_is_not(registered):
    registered.board(number="777", last_name="Okafor", ssn="1111")
    registered.register(
        account_number="777", last_name="Okafor", ssn_last4="1111", email="chi@example.com"
    )
    access = registered.log_in("chi@example.com").json["access_token"]
    for taken in ("Ana.R", "ANA.R", "\uff41na.r"):
        body = {"username": taken}
        answer = registered.call("PATCH", ME, body, token=access, **{"If-Match": "*"})
        assert (answer.status_code, answer.json["code"]) == (409, "username_taken")
    for own in ("chi", "CHI"):
        body = {"username": own}
        answer = registered.call("PATCH", ME, body, token=access, **{"If-Match": "*"})
        assert answer.status_code == 200


@pytest.mark.parametrize("member", ["id", "email", "email_verified", "scopes", "party", "accounts"])
def test_nothing_else_of_the_profile_can_be_set(registered, member):
    access = registered.log_in().json["access_token"]
    body = {"username": "ana3", member: ["operator"]}
    answer = registered.call("PATCH", ME, body, token=access, **{"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_field")


def test_the_password_changes_with_the_present_one_and_other_sessions_end(registered, access):
    other = registered.log_in().json
    body = {"current_password": OLD, "password": NEW}
    assert registered.call("PUT", PASSWORD, body, token=access).status_code == 204
    assert registered.get(ME, token=access).status_code == 200
    assert registered.get(ME, token=other["access_token"]).status_code == 401
    assert registered.refresh(other["refresh_token"]).status_code == 401
    assert registered.log_in().status_code == 401
    assert registered.log_in(password=NEW).status_code == 200
    assert registered.published(events.PASSWORD_CHANGED)[-1].data["cause"] == "changed"


def test_without_the_present_password_a_fresh_login_is_needed(registered, access):
    answer = registered.call("PUT", PASSWORD, {"password": NEW}, token=access)
    assert (answer.status_code, answer.json["code"]) == (401, "step_up_required")
    fresh = registered.post(STEP_UP, {"password": OLD}, token=access).json["access_token"]
    assert registered.call("PUT", PASSWORD, {"password": NEW}, token=fresh).status_code == 204


@pytest.mark.parametrize("weak", ["short", "passwordpassword", "Ana.R and the otters"])
def test_a_weak_new_password_is_refused(registered, weak):
    access = registered.log_in().json["access_token"]
    answer = registered.call("PUT", PASSWORD, {"password": weak}, token=access)
    assert (answer.status_code, answer.json["code"]) == (422, "weak_password")


def test_a_stolen_session_cannot_guess_the_password_without_delay(registered, access):
    for _ in range(5):
        body = {"current_password": "wrong otters all over", "password": NEW}
        answer = registered.call("PUT", PASSWORD, body, token=access)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")
    right = {"current_password": OLD, "password": NEW}
    assert registered.call("PUT", PASSWORD, right, token=access).status_code == 401
    assert registered.post(STEP_UP, {"password": OLD}, token=access).status_code == 401
    registered.clock.forward(seconds=30)
    assert registered.call("PUT", PASSWORD, right, token=access).status_code == 204


def test_step_up_answers_fresh_tokens_of_the_same_session(registered, access):
    before = registered.get("/v1/auth/sessions", token=access).json["data"]
    issued = registered.post(STEP_UP, {"password": OLD}, token=access).json
    after = registered.get("/v1/auth/sessions", token=issued["access_token"]).json["data"]
    assert [each["id"] for each in after] == [each["id"] for each in before]
    me = registered.get(ME, token=issued["access_token"]).json
    assert me["step_up_until"] == "2026-03-02T15:11:00Z"
    assert registered.refresh(issued["refresh_token"]).status_code == 200


def test_step_up_with_a_wrong_password_leaves_the_session_alone(registered, access):
    answer = registered.post(STEP_UP, {"password": "wrong otters all over"}, token=access)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")
    assert registered.get(ME, token=access).status_code == 200


def test_another_contract_of_the_same_person_is_linked(registered):
    second, party_id = registered.board(number="3300-102939")
    issued = registered.log_in().json
    proof = {
        "account_number": "3300102939",
        "last_name": "Rivera",
        "zip": "75001",
        "ssn_last4": "4821",
    }
    answer = registered.post(LINKS, proof, token=issued["access_token"])
    assert answer.status_code == 201
    assert answer.json == {
        "account_id": second,
        "account_number": "••••2939",
        "role": "primary",
    }
    linked = registered.published(events.ACCOUNT_LINKED)[-1].data
    assert (linked["account_id"], linked["party_id"]) == (second, party_id)
    registered.clock.forward(minutes=1)
    renewed = registered.refresh(issued["refresh_token"]).json["access_token"]
    assert second in registered.get(ME, token=renewed).json["accounts"]
    assert registered.post(LINKS, proof, token=renewed).status_code == 201


@pytest.mark.parametrize("case", ["unknown", "wrong", "somebody else's", "too often"])
def test_what_cannot_be_linked_is_answered_alike(registered, case):
    registered.board(number="777", last_name="Okafor", ssn="1111")
    registered.register(
        account_number="777", last_name="Okafor", ssn_last4="1111", email="chi@example.com"
    )
    registered.board(number="888", last_name="Lee", ssn="2222")
    access = registered.log_in().json["access_token"]
    proof = {"account_number": "777", "last_name": "Okafor", "zip": "75001", "ssn_last4": "1111"}
    if case == "unknown":
        proof["account_number"] = "999"
    if case == "wrong":
        proof["ssn_last4"] = "1112"
    if case == "too often":
        proof |= {"account_number": "888", "last_name": "Lee", "ssn_last4": "3333"}
        for _ in range(5):
            registered.post(LINKS, proof, token=access)
        proof["ssn_last4"] = "2222"
    answer = registered.post(LINKS, proof, token=access)
    assert (answer.status_code, answer.json["code"]) == (422, "no_match")
    assert registered.get(ME, token=registered.log_in().json["access_token"]).json["accounts"] == [
        registered.account_id
    ]


def test_routes_need_a_token(registered):
    for method, path in (
        ("GET", ME),
        ("PATCH", ME),
        ("PUT", PASSWORD),
        ("POST", STEP_UP),
        ("POST", LINKS),
        ("GET", "/v1/auth/sessions"),
        ("DELETE", "/v1/auth/sessions"),
        ("DELETE", "/v1/auth/sessions/current"),
        ("DELETE", f"/v1/auth/sessions/{new_id(registered.clock())}"),
    ):
        body = {} if method in ("PATCH", "PUT", "POST") else None
        answer = registered.call(method, path, body)
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated"), path
        assert answer.headers["WWW-Authenticate"]
