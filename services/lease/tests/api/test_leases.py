"""GET /v1/leases/{account_id}: every figure, and the same 404 for whatever is not the caller's."""

from __future__ import annotations

import pytest
from carport.shared import testing


def test_a_lease_at_its_end_is_shown_to_the_cent(world):
    world.open_day("2026-03-01")
    ended = {"payments_remaining": 0, "lease": {"adjusted_balance": 1885000}}
    account = world.board(**ended)
    answer = world.get(account)
    assert answer.status_code == 200
    lease = answer.json
    assert lease["buyout"] == {
        "amount": 2072988,
        "as_of": "2026-03-01",
        "basis": "residual",
        "parts": {"price": 1885000, "purchase_option_fee": 30000, "unpaid": 0, "tax": 157988},
    }
    assert lease["mileage"] == {
        "annual_allowance": 10000,
        "term_allowance": 30000,
        "excess_rate": 20,
        "start": 12,
    }
    assert lease["fees"] == {"disposition": 40000, "purchase_option": 30000}
    assert (lease["payment"], lease["payments_left"]) == (50772, 0)
    assert (lease["maturity_date"], lease["days_to_maturity"]) == ("2026-03-01", 0)
    assert all(milestone["reached"] for milestone in lease["milestones"])
    assert [(o["type"], o["open"]) for o in lease["options"]] == [
        ("extend", True),
        ("buyout", True),
        ("turn_in", True),
    ]


def test_what_is_closed_says_why_and_when_it_opens(world):
    world.open_day("2025-05-01")
    lease = world.get(world.board()).json
    extend = lease["options"][0]
    assert extend == {
        "type": "extend",
        "title": "Extend the lease",
        "open": False,
        "opens_on": "2025-11-01",
        "reasons": [
            {
                "code": "not_open_yet",
                "text": "This opens on November 1, 2025, 120 days before the lease ends.",
            }
        ],
    }
    assert lease["buyout"]["basis"] == "adjusted_balance"
    assert lease["buyout"]["parts"]["price"] == 2359308
    assert lease["last_payment"] is None
    assert lease["as_of"] == "2025-05-01"


def test_a_paid_off_lease_has_no_price(world):
    world.open_day("2025-05-01")
    account = world.board(status="paid_off")
    lease = world.get(account).json
    assert lease["buyout"] is None
    assert [o["reasons"][0]["code"] for o in lease["options"]] == ["paid_off"] * 3


def without_ids(answer):
    return {k: v for k, v in answer.json.items() if k not in ("request_id", "instance")}


def test_a_foreign_an_unknown_and_a_retail_account_answer_alike(world):
    world.open_day("2025-05-01")
    foreign = world.board()
    retail, unknown = world.new_id(), world.new_id()
    boarded = world.boarded(retail, product="retail", lease=None)
    world.say("accounts.account_boarded.v1", boarded)
    answers = [
        world.get(foreign, accounts=[retail]),
        world.get(unknown, accounts=[retail]),
        world.get(retail),
        world.get("018f-no-id", accounts=[retail]),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({str(without_ids(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("query", ["?as_of=2026-01-01", "?limit=1"])
def test_there_are_no_query_parameters(world, query):
    world.open_day("2025-05-01")
    account = world.board()
    who = testing.bearer(world.runtime, accounts=[account])
    answer = world.client.get(f"/v1/leases/{account}{query}", headers=who)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_parameter")


def test_without_a_token_nothing_is_told(world):
    world.open_day("2025-05-01")
    assert world.client.get(f"/v1/leases/{world.board()}").status_code == 401


def test_before_the_first_day_is_open_the_answer_is_try_again(world):
    answer = world.get(world.board())
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
