"""What accounts says, taken once, twice, late and out of order."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from carport.auth import events, tables
from carport.auth.handlers import HANDLERS
from carport.shared import business_day
from carport.shared.events import contract
from carport.shared.kernel.identity import match_key
from carport.shared.kernel.ids import new_id

RECORDED = "accounts.identity_recorded.v1"
BOARDED = "accounts.account_boarded.v1"
OPENED = "accounts.day_opened.v1"


def rows(suite, table):
    with suite.runtime.reading() as tx:
        return tx.execute(table.select()).all()


def identity(suite, **changes):
    key = match_key(suite.keys.identity, last_name="Rivera", zip_code="75001", ssn_last4="4821")
    return {
        "account_id": new_id(suite.clock()),
        "account_number": "2200417783",
        "party_id": new_id(suite.clock()),
        "role": "primary",
        "match_key": key,
        **changes,
    }


@pytest.mark.parametrize("type_", sorted(HANDLERS))
def test_the_example_of_every_consumed_event_is_taken_twice_with_one_effect(suite, type_):
    example = contract(type_)["example"]
    suite.deliver(type_, example)
    once = [rows(suite, table) for table in tables.metadata.sorted_tables]
    suite.deliver(type_, example)
    assert [rows(suite, table) for table in tables.metadata.sorted_tables] == once


def test_a_changed_name_or_zip_replaces_the_match_key(suite):
    first = identity(suite)
    suite.deliver(RECORDED, first)
    suite.deliver(RECORDED, {**first, "match_key": "f" * 64}, at=suite.clock.forward(minutes=1))
    assert [row.match_key for row in rows(suite, tables.identity)] == ["f" * 64]


def test_an_older_identity_that_comes_late_is_ignored(suite):
    new = identity(suite)
    suite.deliver(RECORDED, new)
    earlier = suite.clock() - timedelta(days=1)
    suite.deliver(RECORDED, {**new, "match_key": "0" * 64}, at=earlier)
    assert [row.match_key for row in rows(suite, tables.identity)] == [new["match_key"]]


def test_a_new_contract_of_a_registered_party_is_linked_at_once_and_once(registered):
    data = identity(registered, account_number="3300", party_id=registered.party_id)
    for _ in range(2):
        registered.deliver(RECORDED, data)
    linked = [event.data for event in registered.published(events.ACCOUNT_LINKED)]
    assert [link["account_id"] for link in linked] == [registered.account_id, data["account_id"]]
    assert linked[0]["user_id"] == linked[1]["user_id"]


@pytest.mark.parametrize("first", [BOARDED, RECORDED])
def test_a_registered_party_sees_a_contract_whichever_event_comes_first(registered, first):
    account_id = new_id(registered.clock())
    recorded = identity(
        registered, account_id=account_id, party_id=registered.party_id, role="co_borrower"
    )
    boarded = {
        **contract(BOARDED)["example"],
        "account_id": account_id,
        "parties": [{"party_id": registered.party_id, "role": "co_borrower"}],
    }
    both = {BOARDED: boarded, RECORDED: recorded}
    for type_ in (first, *(set(both) - {first})):
        registered.deliver(type_, both[type_])
    linked = [event.data for event in registered.published(events.ACCOUNT_LINKED)]
    assert [(link["account_id"], link["role"]) for link in linked[1:]] == [
        (account_id, "co_borrower")
    ]


def test_a_contract_of_somebody_else_is_not_linked(registered):
    registered.deliver(RECORDED, identity(registered, account_number="3300"))
    assert len(registered.published(events.ACCOUNT_LINKED)) == 1


def test_auth_stands_on_the_day_that_was_opened_last(suite):
    suite.deliver(OPENED, {"date": "2025-05-02", "local_time": "12:00"})
    suite.deliver(OPENED, {"date": "2025-05-01", "local_time": "09:00"})
    suite.deliver(OPENED, {"date": "2025-05-02", "local_time": "17:30"})
    with suite.runtime.reading() as tx:
        day = business_day.get(tx)
    assert (day.date, day.local_time) == (date(2025, 5, 2), time(17, 30))
