"""Every event auth publishes satisfies its contract, and every contract is exercised."""

from __future__ import annotations

from carport.auth.events import PUBLISHES
from carport.shared.events import contract
from jsonschema import Draft202012Validator, FormatChecker


def everything_that_can_happen(suite):
    suite.post("/v1/auth/registrations", suite.application(account_number="0"))
    suite.register(username="Ana.R")
    suite.post("/v1/auth/registrations", suite.application())
    suite.post("/v1/auth/password-resets", {"email": "ana.rivera@example.com"})
    suite.post("/v1/auth/username-reminders", {"email": "ana.rivera@example.com"})
    token = suite.mail("auth.password_reset_requested.v1")["token"]
    suite.log_in()
    new = "many blue kettles 42"
    suite.post("/v1/auth/password-resets/confirmations", {"token": token, "password": new})
    staff = {"user_id": "agent.lee", "password": "agent lee at the desk", "scopes": ["agent"]}
    suite.post("/v1/sandbox/staff", staff)
    access = suite.log_in("agent.lee", staff["password"]).json["access_token"]
    suite.call("PUT", "/v1/auth/me/password", {"password": new}, token=access)
    return suite.published()


def test_every_published_event_satisfies_its_contract(boarded):
    said = everything_that_can_happen(boarded)
    assert {event.type for event in said} == PUBLISHES
    for event in said:
        schema = contract(event.type)["schema"]
        checker = Draft202012Validator(schema, format_checker=FormatChecker())
        assert [error.message for error in checker.iter_errors(event.data)] == [], event.type
        assert set(event.data) == set(contract(event.type)["example"]), event.type


def test_contracts_refuse_events_without_a_member():
    for type_ in PUBLISHES:
        schema, example = contract(type_)["schema"], contract(type_)["example"]
        for name in example:
            rest = {key: value for key, value in example.items() if key != name}
            assert not Draft202012Validator(schema).is_valid(rest)


def test_events_about_a_contract_have_its_id_as_subject(boarded):
    for event in everything_that_can_happen(boarded):
        account_id = event.data.get("account_id")
        if account_id:
            assert event.subject == account_id
