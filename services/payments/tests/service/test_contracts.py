"""What payments says fits its contracts; what others say, as their examples, is understood."""

from __future__ import annotations

import json
from datetime import date

import jsonschema
import pytest
from carport.payments.handlers import HANDLERS
from carport.payments.service import SERVICE
from carport.shared import events


def story(suite):
    """Orders, refusals, returns and days, so that every type is published."""
    method = suite.bank_account()
    returned, settled = suite.pay(method), suite.pay(method)
    suite.post(returned)
    suite.call("POST", "/v1/sandbox/bank/returns", {"payment_id": returned["id"], "code": "R01"})
    suite.call("POST", "/v1/sandbox/bank/settlements", {"payment_ids": [settled["id"]]})
    suite.cancel(suite.pay(method, date="2025-05-20", extra="principal"))
    suite.pay(suite.card("tok_declined"))
    cheque = {"account_number": suite.ACCOUNT_NUMBER, "amount": 5, "cheque_number": "7"}
    suite.call("POST", "/v1/sandbox/lockbox", cheque)
    suite.drain()
    suite.end_day(suite.MONDAY)


def test_every_event_of_a_story_fits_its_contract(suite):
    story(suite)
    said = suite.published()
    assert {event["type"] for event in said} == SERVICE.publishes
    for event in said:
        schema = events.contract(event["type"])["schema"]
        jsonschema.validate(
            event["data"], schema, format_checker=jsonschema.FormatChecker(["date"])
        )


@pytest.mark.parametrize("type_", sorted(SERVICE.publishes))
def test_every_published_type_has_a_contract_whose_example_fits(type_):
    found = events.contract(type_)
    assert (found["type"], found["producer"]) == (type_, "payments")
    jsonschema.Draft202012Validator.check_schema(found["schema"])
    jsonschema.validate(found["example"], found["schema"])


def test_events_that_accounts_counts_carry_the_business_date(suite):
    story(suite)
    counted = {"payment_accepted", "payment_cancelled", "payment_returned", "day_done"}
    for event in suite.published():
        name = event["type"].split(".")[1]
        assert ("businessdate" in event) == (name in counted)


@pytest.mark.parametrize("type_", sorted(HANDLERS))
def test_the_example_of_every_type_we_handle_is_understood(suite, type_):
    found = events.contract(type_)
    assert "payments" in found["consumers"]
    example = found["example"]
    if type_ == "accounts.day_ending.v1":
        suite.stand_on(date.fromisoformat(example["date"]))
    assert suite.tell(type_, example) == "done"
    assert suite.tell(type_, example) == "done"


def test_an_example_snapshot_lets_its_account_be_paid(suite):
    example = events.contract("accounts.account_changed.v1")["example"]
    suite.tell("accounts.account_changed.v1", example)
    suite.stand_on(date.fromisoformat(example["as_of"]))
    head = suite.head(accounts=[example["account_id"]])
    body = {"account_id": example["account_id"], "payment_method_id": suite.bank_account()["id"],
            "amount": example["payoff"], "currency": example["currency"]}  # fmt: skip
    answer = suite.call("POST", "/v1/payments", body, **head)
    assert answer.status_code == 202, json.dumps(answer.json)
