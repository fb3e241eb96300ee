"""Ways to pay: what is taken, what is shown, what is kept."""

from __future__ import annotations

import pytest
from carport.shared.sealed import AtRest

STRANGER = "0197a3c2-0098-7abc-8def-0123456789ab"
BANK = {
    "type": "bank_account",
    "routing_number": "021000021",
    "account_number": "000987654321",
    "account_type": "checking",
    "holder_name": "Maria Lopez",
}


def add(suite, **changes):
    body = {name: value for name, value in {**BANK, **changes}.items() if value is not None}
    return suite.call("POST", "/v1/payment-methods", body)


def test_a_bank_account_shows_its_last_four_digits_and_nothing_more(suite):
    answer = add(suite)
    assert answer.status_code == 201
    assert {k: v for k, v in answer.json.items() if k not in ("id", "created_at")} == {
        "type": "bank_account", "brand": "Checking", "last4": "4321", "account_type": "checking",
        "holder_name": "Maria Lopez", "status": "usable",
    }  # fmt: skip
    assert suite.call("GET", "/v1/payment-methods").json == {
        "data": [answer.json], "next_cursor": None
    }  # fmt: skip


def test_its_number_is_kept_sealed_and_bound_to_its_row(suite):
    method = add(suite).json
    [row] = suite.rows("SELECT * FROM payment_method")
    assert "987654321" not in str(dict(row))
    at_rest = AtRest(suite.runtime.settings.keys["at_rest"])
    place = ("payment_method", "bank_sealed", method["id"])
    assert "000987654321" in at_rest.decrypt(row["bank_sealed"], *place)
    with pytest.raises(Exception, match="changed, moved"):
        at_rest.decrypt(row["bank_sealed"], "payment_method", "bank_sealed", "another")


def test_the_owner_is_told_of_a_new_method(suite):
    method = add(suite).json
    [event] = suite.published("method_added")
    assert (event["data"]["method_id"], event["data"]["last4"]) == (method["id"], "4321")
    assert "987654321" not in str(event)


@pytest.mark.parametrize(
    "number", ["021000022", "02100002", "0210000210", "12345678a", "000000000"]
)
def test_a_wrong_routing_number_is_refused(suite, number):
    answer = add(suite, routing_number=number)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_bank_account")
    assert answer.json["errors"][0]["pointer"] == "/routing_number"
    assert answer.json["money_moved"] == "no"


@pytest.mark.parametrize("number", ["12a4", "1" * 18, "123", "١٢٣٤٥"])
def test_a_wrong_account_number_is_refused(suite, number):
    answer = add(suite, account_number=number)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_bank_account")


def test_a_long_account_number_passes_though_it_looks_like_a_check_digit(suite):
    assert add(suite, account_number="1000000000000008").status_code == 201


@pytest.mark.parametrize("member", ["account_number", "holder_name", "routing_number"])
def test_a_card_number_is_refused_wherever_it_stands(suite, member):
    answer = add(suite, **{member: "4242424242424242"})
    assert (answer.status_code, answer.json["code"]) == (422, "card_data_forbidden")
    assert answer.json["errors"][0]["pointer"] == f"/{member}"
    assert "4242" not in answer.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "cash"}, "invalid_value"),
        ({"account_type": "gold"}, "invalid_value"),
        ({"holder_name": None}, "required"),
        ({"holder_name": "A\r\nBcc: b"}, "invalid_characters"),
        ({"processor_token": "tok_visa"}, "unknown_field"),
        ({"status": "usable"}, "unknown_field"),
    ],
)
def test_members_are_strict(suite, changes, code):
    answer = add(suite, **changes)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_a_card_is_kept_by_its_token(suite):
    card = suite.card()
    assert (card["type"], card["brand"], card["last4"]) == ("card", "Visa", "4242")
    assert "token" not in str(card)


def test_an_unknown_token_is_refused(suite):
    body = {"type": "card", "processor_token": "tok_other"}
    answer = suite.call("POST", "/v1/payment-methods", body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_card")


def test_a_kind_of_card_the_lender_does_not_take_is_refused(suite, monkeypatch):
    from carport.shared import lender

    cards = lender.load(suite.runtime.settings.lender_file).cards
    monkeypatch.setitem(cards, "credit", False)
    body = {"type": "card", "processor_token": "tok_visa_credit"}
    answer = suite.call("POST", "/v1/payment-methods", body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_card")
    assert suite.card("tok_visa")["brand"] == "Visa"


def test_methods_of_others_are_neither_listed_nor_removed(suite):
    method = add(suite).json
    stranger = suite.head(STRANGER)
    assert suite.call("GET", "/v1/payment-methods", **stranger).json["data"] == []
    for path in (method["id"], STRANGER, "x"):
        answer = suite.call("DELETE", f"/v1/payment-methods/{path}", **stranger)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_removed_method_is_gone_and_removing_it_again_is_unknown(suite):
    method = add(suite).json
    assert suite.call("DELETE", f"/v1/payment-methods/{method['id']}").status_code == 204
    assert suite.call("GET", "/v1/payment-methods").json["data"] == []
    assert suite.call("DELETE", f"/v1/payment-methods/{method['id']}").status_code == 404


def test_a_method_that_an_order_still_needs_is_not_removed(suite):
    method = add(suite).json
    payment = suite.pay(method, date="2025-05-20")
    answer = suite.call("DELETE", f"/v1/payment-methods/{method['id']}")
    assert (answer.status_code, answer.json["code"]) == (409, "method_in_use")
    suite.cancel(payment)
    assert suite.call("DELETE", f"/v1/payment-methods/{method['id']}").status_code == 204
