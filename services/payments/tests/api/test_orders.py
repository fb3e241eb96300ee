"""Bad orders: each row of the catalogue answers its status and code and moves no money."""

from __future__ import annotations

import pytest

UNKNOWN = "0197a3c2-7777-7abc-8def-0123456789ab"
STRANGER = "0197a3c2-0098-7abc-8def-0123456789ab"


def refused(answer, status, code):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.content_type == "application/problem+json"
    assert answer.json["money_moved"] == "no"
    assert answer.json["type"] == f"urn:carport:problem:{code}"


@pytest.mark.parametrize("amount", [0, -1, True, "100", 100.0, 2**53 + 1, 2**63, None, [1], {}])
def test_an_amount_that_is_no_number_of_cents_is_refused(suite, amount):
    code = "invalid_type" if amount is None else "invalid_amount"
    refused(suite.order(suite.bank_account(), amount=amount), 422, code)


@pytest.mark.parametrize("amount", ["1e2", "1e400", "100.0"])
def test_numbers_written_another_way_are_refused(suite, amount):
    method = suite.bank_account()
    body = (
        f'{{"account_id": "{suite.ACCOUNT}", "payment_method_id": "{method["id"]}",'
        f' "amount": {amount}, "currency": "USD"}}'
    )
    head = {**suite.head(), **suite.key(), "Content-Type": "application/json"}
    answer = suite.http.post("/v1/payments", data=body, headers=head)
    assert answer.json["code"] in ("invalid_amount", "malformed_json")
    assert answer.status_code in (400, 422)


def test_a_cent_above_the_payoff_is_refused_and_the_payoff_is_taken(suite):
    method = suite.bank_account()
    refused(suite.order(method, amount=suite.PAYOFF + 1), 422, "exceeds_payoff")
    refused(suite.order(method, amount=2**31), 422, "exceeds_payoff")
    assert suite.order(method, amount=suite.PAYOFF).status_code == 202


@pytest.mark.parametrize("currency", ["usd", "USDX", "EUR", "US"])
def test_a_currency_other_than_the_accounts_is_refused(suite, currency):
    refused(suite.order(suite.bank_account(), currency=currency), 422, "currency_mismatch")


@pytest.mark.parametrize(
    "day",
    [
        "2025-05-04",
        "2025-08-04",
        "2025-02-30",
        "2026-W01-1",
        "20250506",
        "0000-01-01",
        "9999-01-01",
    ],
)
def test_a_date_outside_today_to_ninety_days_is_refused(suite, day):
    refused(suite.order(suite.bank_account(), date=day), 422, "invalid_date")


def test_the_ninetieth_day_is_taken(suite):
    assert suite.pay(suite.bank_account(), date="2025-08-03")["state"] == "scheduled"


@pytest.mark.parametrize("status", ["paid_off", "charged_off", "closed"])
def test_an_account_that_takes_no_payments_says_so(suite, status):
    suite.snapshot(version=2, status=status)
    refused(suite.order(suite.bank_account()), 409, "account_not_payable")


def test_a_lease_has_no_principal_to_pay_ahead(suite):
    suite.board(suite.LEASE, "3300102939")
    suite.snapshot(account_id=suite.LEASE, product="lease", annual_rate=None, payoff=600_000)
    method = suite.bank_account()
    order = suite.order(method, account_id=suite.LEASE, extra="principal")
    refused(order, 422, "invalid_extra")
    assert suite.order(method, account_id=suite.LEASE).status_code == 202


def test_foreign_unknown_and_unannounced_accounts_answer_alike(suite):
    method = suite.bank_account()
    suite.board(suite.OTHER_ACCOUNT, "2200417784")
    suite.snapshot(account_id=suite.OTHER_ACCOUNT)
    suite.board(suite.LEASE, "3300102939")  # ours, but its snapshot has not come
    answers = [
        suite.order(method, account_id=account)
        for account in (suite.OTHER_ACCOUNT, UNKNOWN, suite.LEASE, "no-id", suite.ACCOUNT.upper())
    ]
    for answer in answers:
        refused(answer, 404, "not_found")
        assert answer.json["detail"] == answers[0].json["detail"]


def test_methods_of_others_are_unknown_and_removed_ones_unusable(suite):
    method = suite.bank_account()
    stranger = suite.head(STRANGER, accounts=[suite.ACCOUNT])
    body = {"account_id": suite.ACCOUNT, "payment_method_id": method["id"], "amount": 100,
            "currency": "USD"}  # fmt: skip
    refused(suite.call("POST", "/v1/payments", body, **stranger), 404, "not_found")
    assert suite.call("DELETE", f"/v1/payment-methods/{method['id']}").status_code == 204
    refused(suite.order(method), 409, "funding_source_unusable")


@pytest.mark.parametrize("text", ["4242424242424242", "4242 4242 4242 4242", "378282246310005"])
@pytest.mark.parametrize(
    "member", ["currency", "extra", "authorization_text_version", "card_number", "account_id"]
)
def test_card_numbers_are_refused_in_any_member(suite, member, text):
    answer = suite.order(suite.bank_account(), **{member: text})
    refused(answer, 422, "card_data_forbidden")
    assert text not in answer.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user_id": STRANGER}, "unknown_field"),
        ({"state": "posted"}, "unknown_field"),
        ({"cvv": "123"}, "unknown_field"),
        ({"extra": "all"}, "invalid_value"),
        ({"currency": 840}, "invalid_type"),
        ({"authorization_text_version": "a\u0000b"}, "invalid_characters"),
        ({"authorization_text_version": ""}, "out_of_range"),
    ],
)
def test_other_members_are_strict(suite, changes, code):
    refused(suite.order(suite.bank_account(), **changes), 422, code)


@pytest.mark.parametrize("name", ["account_id", "payment_method_id", "amount", "currency"])
def test_nothing_needed_may_be_left_out(suite, name):
    method = suite.bank_account()
    body = {"account_id": suite.ACCOUNT, "payment_method_id": method["id"], "amount": 100,
            "currency": "USD"}  # fmt: skip
    del body[name]
    refused(suite.call("POST", "/v1/payments", body), 422, "required")


@pytest.mark.parametrize(
    ("body", "code"),
    [("", "malformed_json"), ("[]", "malformed_json"), ("{", "malformed_json"),
     ('{"amount":1,"amount":2}', "duplicate_member"), ('{"a":NaN}', "malformed_json"),
     ('{"a":' + "[" * 40 + "]" * 40 + "}", "too_deep")],
)  # fmt: skip
def test_bodies_that_are_no_proper_object_are_refused(suite, body, code):
    head = {**suite.head(), **suite.key(), "Content-Type": "application/json"}
    refused(suite.http.post("/v1/payments", data=body, headers=head), 400, code)


def test_without_a_token_nothing_is_read(suite):
    answer = suite.http.post("/v1/payments", json={"amount": "x"}, headers=suite.key())
    refused(answer, 401, "unauthenticated")


def test_staff_tokens_order_nothing(suite):
    head = {**suite.head(scope="agent"), **suite.key()}
    refused(suite.http.post("/v1/payments", json={}, headers=head), 403, "forbidden")


def test_cancelling_what_is_not_there_or_not_yours_answers_alike(suite):
    payment = suite.pay(suite.bank_account())
    stranger = suite.head(STRANGER, accounts=[suite.OTHER_ACCOUNT])
    for answer in (
        suite.cancel(payment, **stranger),
        suite.cancel({"id": UNKNOWN}),
        suite.cancel({"id": "nothing"}),
    ):
        refused(answer, 404, "not_found")
    foreign = suite.call("GET", f"/v1/payments/{payment['id']}", **stranger)
    assert (foreign.status_code, foreign.json["code"]) == (404, "not_found")


def test_payments_are_listed_newest_first_page_by_page_and_by_account(suite):
    method = suite.bank_account()
    ids = []
    for n in range(5):
        suite.clock.tick(seconds=1)
        ids.append(suite.pay(method, amount=100 + n)["id"])
    suite.snapshot(account_id=suite.LEASE)
    suite.clock.tick(seconds=1)
    lease = suite.pay(method, account_id=suite.LEASE, amount=1)["id"]
    seen, cursor = [], ""
    while cursor is not None:
        query = f"?limit=2{'&cursor=' + cursor if cursor else ''}"
        answer = suite.call("GET", f"/v1/payments{query}").json
        seen += [p["id"] for p in answer["data"]]
        cursor = answer["next_cursor"]
    assert seen == [lease, *reversed(ids)]
    one = suite.call("GET", f"/v1/payments?account_id={suite.LEASE}").json["data"]
    assert [p["id"] for p in one] == [lease]
    foreign = suite.call("GET", f"/v1/payments?account_id={suite.OTHER_ACCOUNT}")
    assert foreign.json["data"] == []


def test_a_cursor_of_somebody_else_is_refused(suite):
    method = suite.bank_account()
    for _ in range(2):
        suite.clock.tick(seconds=1)
        suite.pay(method, amount=100)
    cursor = suite.call("GET", "/v1/payments?limit=1").json["next_cursor"]
    stranger = suite.head(STRANGER, accounts=[suite.ACCOUNT])
    answer = suite.call("GET", f"/v1/payments?limit=1&cursor={cursor}", **stranger)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")


def test_in_production_the_sandbox_does_not_exist(suite):
    object.__setattr__(suite.runtime.settings, "env", "production")
    for path in ("bank/returns", "bank/settlements", "lockbox"):
        answer = suite.call("POST", f"/v1/sandbox/{path}", {})
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
