"""What accounts publishes keeps its contract, and what others publish by theirs is understood."""

from __future__ import annotations

import pytest
from carport.accounts.events import PUBLISHES
from carport.accounts.handlers import HANDLERS
from carport.shared import events, inbox
from carport.shared.events import Event
from carport.shared.outbox import outbox
from jsonschema import Draft202012Validator, FormatChecker


def published(suite):
    with suite.runtime.reading() as tx:
        rows = tx.execute(outbox.select().order_by(outbox.c.seq)).all()
    return [Event.from_json(row.body) for row in rows]


@pytest.fixture
def eventful(make, lease):
    """A history in which everything happens that accounts ever speaks of."""
    suite = make("2025-05-01")
    suite.board(lease)
    account = suite.board()
    person = suite.account(account)["customers"][0]["id"]
    suite.pay(account, 58684, effective_on="2025-02-24")
    suite.pay(account, 58684, effective_on="2025-03-24")
    suite.pay(account, 500, currency="CAD")
    suite.move("2025-05-06")
    suite.pay(account, 58684, effective_on="2025-05-02")
    paid = suite.pay(account, suite.account(account)["payoff"])
    suite.move("2025-05-07")
    suite.give_back(paid)
    suite.cancel(suite.pay(account, 100))
    verified = {"user_id": person, "party_id": person, "email": "other@example.com"}
    suite.deliver("auth.contact_verified.v1", verified, subject=person)
    suite.move("2025-05-15")
    return suite


def test_every_event_that_is_published_satisfies_its_schema(eventful):
    made = published(eventful)
    assert {event.type for event in made} == PUBLISHES
    for event in made:
        schema = events.contract(event.type)["schema"]
        checker = Draft202012Validator(schema, format_checker=FormatChecker())
        assert [f"{event.type}: {error.message}" for error in checker.iter_errors(event.data)] == []
        assert set(event.data) == set(schema["properties"]), event.type


def test_events_about_an_account_have_it_as_their_subject(eventful):
    about = [event for event in published(eventful) if "account_id" in event.data]
    assert about
    assert [event.type for event in about if event.subject != event.data["account_id"]] == []


def test_versions_of_an_account_only_rise(eventful):
    seen: dict[str, list[int]] = {}
    for data in eventful.published("account_changed"):
        seen.setdefault(data["account_id"], []).append(data["version"])
    assert len(seen) == 2
    for versions in seen.values():
        assert versions == sorted(set(versions))


def test_the_snapshot_says_what_the_account_says(eventful):
    last = {data["account_id"]: data for data in eventful.published("account_changed")}
    for account_id, snapshot in last.items():
        account = eventful.account(account_id)
        assert snapshot["version"] == account["version"]
        for name in ("principal", "unapplied", "payments_made", "maturity_date"):
            assert snapshot[name] == account[name], name
        numerator, scale = map(int, snapshot["accrued_exact"].split("/"))
        assert round(numerator / scale) == pytest.approx(snapshot["accrued_interest"], abs=1)


@pytest.mark.parametrize("type_", sorted(HANDLERS))
def test_the_example_of_every_contract_is_handled_or_waits(suite, type_):
    """An example speaks of things unknown here: waiting for them is right, failing is not."""
    example = events.contract(type_)["example"]
    suite.deliver(type_, example, subject=example.get("account_id", type_), on=suite.today)
    with suite.runtime.reading() as tx:
        assert [row["state"] for row in inbox.unfinished(tx)] in ([], ["waiting"])


@pytest.mark.parametrize("type_", ["payments.payment_accepted.v1", "payments.payment_returned.v1"])
def test_examples_of_payments_are_posted_and_reversed_on_a_known_account(make, type_):
    suite = make("2025-05-06")
    account = suite.board()
    accepted = events.contract("payments.payment_accepted.v1")["example"]
    suite.deliver(
        "payments.payment_accepted.v1", {**accepted, "account_id": account}, subject=account
    )
    example = {**events.contract(type_)["example"], "account_id": account,
               "payment_id": accepted["payment_id"]}  # fmt: skip
    suite.deliver(type_, example, subject=account)
    assert len(suite.published("payment_posted")) == 1
    assert len(suite.published("payment_reversed")) == ("returned" in type_)
    assert suite.verify() == []


@pytest.mark.parametrize("source", ["payments", "lease"])
def test_a_day_done_again_changes_nothing(suite, source):
    suite.move("2025-01-12")
    suite.answer(suite.today.replace(day=10))
    suite.settle()
    closes = suite.staff("GET", "/v1/staff/day-closes").json["data"]
    assert {row["step"] for row in closes} == {"done"}
