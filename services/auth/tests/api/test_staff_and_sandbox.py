"""Staff users, and the routes that exist only in the sandbox."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from carport.auth.service import SERVICE
from carport.shared.access import Edge
from carport.shared.kernel.ids import new_id

STAFF = "/v1/sandbox/staff"
DEMO = "/v1/sandbox/demo"
AGENT = {"user_id": "agent.lee", "password": "agent lee at the desk", "scopes": ["agent"]}


def in_production(suite):
    suite.runtime.settings = replace(suite.runtime.settings, env="production")
    assert isinstance(suite.app.extensions["carport"], Edge)
    return suite


def run(suite, *arguments):
    return SERVICE.commands["staff"](suite.runtime, list(arguments))


def test_staff_log_in_at_the_same_endpoint_with_their_scopes(suite):
    made = suite.post(STAFF, {**AGENT, "scopes": ["supervisor", "agent"]})
    assert made.status_code == 201
    assert made.json["scopes"] == ["agent", "supervisor"]
    issued = suite.log_in("Agent.Lee", AGENT["password"]).json
    assert issued["user"] == {"id": made.json["id"], "scopes": ["agent", "supervisor"]}
    me = suite.get("/v1/auth/me", token=issued["access_token"]).json
    assert (me["party"], me["accounts"], me["email"]) == (None, [], None)


def test_putting_staff_again_changes_password_and_scopes_and_ends_sessions(suite):
    first = suite.post(STAFF, AGENT).json
    issued = suite.log_in("agent.lee", AGENT["password"]).json
    again = suite.post(STAFF, {**AGENT, "password": "another desk phrase", "scopes": ["operator"]})
    assert again.json["id"] == first["id"]
    assert suite.get("/v1/auth/me", token=issued["access_token"]).status_code == 401
    assert suite.log_in("agent.lee", "another desk phrase").json["user"]["scopes"] == ["operator"]


def test_a_customer_is_not_made_staff(registered):
    answer = registered.post(STAFF, {**AGENT, "user_id": "Ana.R"})
    assert (answer.status_code, answer.json["code"]) == (409, "not_staff")
    assert registered.log_in().json["user"]["scopes"] == ["customer"]


@pytest.mark.parametrize("scopes", [[], ["customer"], ["root"], "agent", ["agent"] * 4])
def test_scopes_are_those_of_staff(suite, scopes):
    assert suite.post(STAFF, {**AGENT, "scopes": scopes}).status_code == 422


def test_staff_do_not_link_accounts(suite):
    suite.post(STAFF, AGENT)
    access = suite.log_in("agent.lee", AGENT["password"]).json["access_token"]
    proof = {"account_number": "1", "last_name": "a", "zip": "75001", "ssn_last4": "1111"}
    answer = suite.post("/v1/auth/account-links", proof, token=access)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_in_production_staff_cannot_log_in_without_a_second_factor(suite):
    suite.post(STAFF, AGENT)
    in_production(suite)
    right = suite.log_in("agent.lee", AGENT["password"])
    assert (right.status_code, right.json["code"]) == (403, "mfa_unavailable")
    wrong = suite.log_in("agent.lee", "wrong otters all over")
    assert (wrong.status_code, wrong.json["code"]) == (401, "invalid_credentials")


def test_in_production_customers_log_in(registered):
    assert in_production(registered).log_in().status_code == 200


def test_in_production_the_routes_of_the_sandbox_do_not_exist(suite):
    in_production(suite)
    for method, path, body in (
        ("GET", DEMO, None),
        ("PUT", DEMO, {"customers": [], "staff": []}),
        ("POST", STAFF, AGENT),
    ):
        answer = suite.call(method, path, body)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_the_demo_answers_what_its_loader_stored(suite):
    assert suite.get(DEMO).status_code == 404
    customer = {
        "user_id": "ana.rivera@example.com",
        "email": "ana.rivera@example.com",
        "password": "three quiet otters 7",
        "accounts": [new_id(suite.clock())],
        "note": "A current retail contract",
    }
    directory = {"customers": [customer, {**customer, "note": "second"}], "staff": [AGENT]}
    assert suite.call("PUT", DEMO, directory).status_code == 204
    assert suite.get(DEMO).json == directory
    assert suite.call("PUT", DEMO, {**directory, "staff": []}).status_code == 204
    assert suite.get(DEMO).json["staff"] == []


def test_the_command_line_makes_staff_and_disables_anybody(registered, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("operator words to keep\n"))
    assert run(registered, "add", "ops.kim", "--scope", "operator") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["scopes"] == ["operator"]
    assert registered.log_in("ops.kim", "operator words to keep").status_code == 200
    access = registered.log_in().json["access_token"]
    assert run(registered, "disable", "ana.rivera@example.com") == 0
    assert registered.get("/v1/auth/me", token=access).status_code == 401
    assert registered.log_in().status_code == 401


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("add", "ops.kim", "--scope", "agent"), "short", "15 characters"),
        (("add", "Ana.R", "--scope", "agent"), "operator words to keep", "taken"),
        (("add", "a b", "--scope", "agent"), "operator words to keep", "user name"),
        (("disable", "nobody"), "", "no user"),
    ],
)
def test_the_command_line_says_what_it_refuses(
    registered, monkeypatch, capsys, arguments, typed, said
):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    assert run(registered, *arguments) == 1
    assert said in capsys.readouterr().err
