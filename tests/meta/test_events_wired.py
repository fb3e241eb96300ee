"""Every event has a contract, a publisher and the consumers its contract names, and they agree."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator, FormatChecker

CONTRACTS = "shared/src/carport/shared/contracts"
TYPE = re.compile(r"(auth|accounts|payments|notifications|lease)\.[a-z]+(_[a-z]+)*\.v[1-9]\d*")
MEMBERS = {"type", "producer", "consumers", "personal_data", "description", "schema", "example"}
PERSONAL = {
    "first_name",
    "last_name",
    "email",
    "phone",
    "address",
    "ssn",
    "ssn_last4",
    "birth_date",
}


@pytest.fixture(scope="module")
def contracts(root):
    return {path.stem: json.loads(path.read_text()) for path in (root / CONTRACTS).glob("*.json")}


@pytest.fixture(scope="module")
def publishers(services):
    return {event: name for name, service in services.items() for event in service.publishes}


def consumers(services, event):
    return sorted(name for name, service in services.items() if event in service.handlers)


def test_every_published_event_has_a_contract_and_every_contract_a_publisher(contracts, publishers):
    assert {event: c["producer"] for event, c in contracts.items()} == publishers


def test_every_handled_event_is_published_by_somebody(services, publishers):
    for name, service in services.items():
        assert set(service.handlers) <= set(publishers), name


def test_contracts_name_exactly_those_who_handle_the_event(contracts, services):
    named = {event: sorted(contract["consumers"]) for event, contract in contracts.items()}
    assert named == {event: consumers(services, event) for event in contracts}


def test_nobody_binds_a_wildcard(services):
    types = {event for service in services.values() for event in service.handlers}
    assert types
    assert [event for event in types if not TYPE.fullmatch(event)] == []


def test_contracts_say_all_there_is_to_say(contracts):
    for event, contract in contracts.items():
        assert set(contract) >= MEMBERS, event
        assert contract["type"] == event
        assert TYPE.fullmatch(event), event
        assert event.split(".")[0] == contract["producer"]
        assert contract["description"].strip(), event


def test_examples_satisfy_their_schemas(contracts):
    for event, contract in contracts.items():
        Draft202012Validator.check_schema(contract["schema"])
        checker = Draft202012Validator(contract["schema"], format_checker=FormatChecker())
        assert [f"{event}: {e.message}" for e in checker.iter_errors(contract["example"])] == []


def test_schemas_are_open_to_new_members_and_describe_the_example(contracts):
    for event, contract in contracts.items():
        schema = contract["schema"]
        assert schema["type"] == "object", event
        assert schema.get("additionalProperties", True) is not False, event
        assert set(contract["example"]) <= set(schema["properties"]), event
        assert set(schema["required"]) <= set(schema["properties"]), event


def test_personal_data_is_only_in_events_that_say_so(contracts):
    for event, contract in contracts.items():
        if not contract["personal_data"]:
            assert set(contract["schema"]["properties"]) & PERSONAL == set(), event
