from __future__ import annotations

import copy

import pytest
from carport.shared import testing


def dry_run(suite, document):
    return suite.staff("POST", "/v1/staff/accounts?dry_run=true", document)


def test_a_dry_run_answers_the_worked_contract_to_the_cent(suite, retail):
    answer = dry_run(suite, retail)
    assert answer.status_code == 200
    figures = answer.json
    assert (figures["payment"], figures["final_payment"]) == (58684, 68646)
    assert (figures["apr"], figures["total_interest"]) == ("0.064848", 531002)
    rows = {row["number"]: row for row in figures["schedule"]}
    assert rows[12] == {
        "number": 12, "due_date": "2026-01-24", "payment": 58684, "interest": 13932,
        "principal": 44752, "balance": 2482880,
    }  # fmt: skip
    assert (rows[60]["interest"], rows[60]["principal"], rows[60]["balance"]) == (376, 68270, 0)
    assert suite.published("account_boarded") == []
    assert suite.staff("GET", "/v1/staff/accounts?q=2200417783").json["data"] == []


def terms(**members):
    return {
        "product": "retail", "term_months": 12, "contract_date": "2022-11-01",
        "first_due_date": "2022-12-01", **members,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "interest"),
    [
        (terms(principal=2500000, annual_rate="0.0599"), 12308),
        (terms(principal=2500000, annual_rate="0.0599", day_count="30/360"), 12479),
        (terms(principal=2500000, annual_rate="0.0599", day_count="actual/actual",
               contract_date="2024-04-01", first_due_date="2024-05-01"), 12275),
        (terms(principal=500000, annual_rate="0.12"), 4932),
        (terms(principal=253931, annual_rate="0.12", contract_date="2023-02-01",
               first_due_date="2023-03-01"), 2338),
    ],
)  # fmt: skip
def test_a1_to_a3_the_calculator_needs_the_terms_alone(suite, document, interest):
    answer = dry_run(suite, document)
    assert answer.status_code == 200, answer.json
    assert answer.json["schedule"][0]["interest"] == interest


def test_l1_the_lease_calculator(suite, lease):
    figures = dry_run(suite, lease).json
    assert figures["payment"] == 50772
    assert figures["payment_parts"] == {
        "depreciation": 37917, "rent": 8986, "base": 46903, "tax": 3869
    }  # fmt: skip
    assert figures["total_rent"] == 323508
    first = figures["schedule"][0]
    assert (first["interest"], first["balance"], first["tax"]) == (11271, 3214368, 3869)
    assert figures["schedule"][-1]["balance"] == 1885000


def test_a_dry_run_ignores_the_business_date(suite, retail):
    later = {**retail, "contract_date": "2031-01-10", "first_due_date": "2031-02-24"}
    assert dry_run(suite, later).status_code == 200
    answer = suite.staff("POST", "/v1/staff/accounts", later)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_date")
    assert answer.json["errors"][0]["pointer"] == "/contract_date"


def test_the_same_key_boards_once_and_answers_the_same_bytes(suite, retail):
    first = suite.staff("POST", "/v1/staff/accounts", retail, **{"Idempotency-Key": "k-1"})
    key = first.request.headers["Idempotency-Key"]
    token = first.request.headers["Authorization"]
    again = suite.client.post(
        "/v1/staff/accounts", json=retail, headers={"Idempotency-Key": key, "Authorization": token}
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert again.headers["Idempotency-Replayed"] == "true"
    other = suite.client.post(
        "/v1/staff/accounts", json={**retail, "account_number": "2200417999"},
        headers={"Idempotency-Key": key, "Authorization": token},
    )  # fmt: skip
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(suite.published("account_boarded")) == 1


def test_boarding_needs_a_key_and_staff(suite, retail):
    answer = suite.call("POST", "/v1/staff/accounts", retail, who={"scope": "agent"})
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")
    answer = suite.call("POST", "/v1/staff/accounts", retail, who={"scope": "customer"})
    assert answer.status_code == 403


def test_boarding_needs_everything_a_contract_has(suite, retail):
    for name in ("account_number", "state", "vehicle", "customers", "principal", "contract_date"):
        document = {key: value for key, value in retail.items() if key != name}
        answer = suite.staff("POST", "/v1/staff/accounts", document)
        assert (answer.status_code, answer.json["code"]) == (422, "required"), name
        assert f"/{name}" in [flaw["pointer"] for flaw in answer.json["errors"]]


def changed(document, pointer, value):
    document = copy.deepcopy(document)
    *path, last = [int(p) if p.isdigit() else p for p in pointer.strip("/").split("/")]
    place = document
    for part in path:
        place = place[part]
    place[last] = value
    return document


BAD = [
    ("/principal", 0), ("/principal", -1), ("/principal", True), ("/principal", "3000000"),
    ("/principal", 3000000.0), ("/principal", 2**53 + 1), ("/annual_rate", 0.0649),
    ("/annual_rate", "6.49%"), ("/annual_rate", "-0.01"), ("/annual_rate", "NaN"),
    ("/term_months", 0), ("/term_months", 10**6), ("/term_months", None),
    ("/first_due_date", "2025-02-30"), ("/first_due_date", "20250224"),
    ("/first_due_date", "2025-01-09"), ("/contract_date", "2025-W02-5"),
    ("/payment", 1), ("/payment", 10000), ("/currency", "usd"), ("/currency", "USDX"),
    ("/day_count", "actual"), ("/grace_days", -1), ("/due_day", 0), ("/due_day", 32),
    ("/due_day", 7), ("/late_fee/kind", "steep"), ("/late_fee/amount", -5),
    ("/allocation", ["interest", "fees"]), ("/allocation", ["fees", "fees", "interest"]),
    ("/product", "boat"), ("/extra", "all"), ("/disclosed_apr", "0.09"),
    ("/surprise", 1), ("/vehicle/colour", "red"), ("/customers/0/is_staff", True),
    ("/late_fee/rate", 3), ("/account_number", "x" * 21), ("/account_number", "12 34"),
    ("/account_number", 2200417783), ("/state", "tx"), ("/vehicle/vin", "5XY"),
    ("/vehicle/year", 25), ("/vehicle/odometer", -1), ("/customers", []),
    ("/customers/0/role", "owner"), ("/customers/0/first_name", ""),
    ("/customers/0/last_name", "a\u0000b"), ("/customers/0/last_name", "a\u202eb"),
    ("/customers/0/last_name", "Hill\r\nBcc: x"), ("/customers/0/email", "not-an-address"),
    ("/customers/0/email", "a@[127.0.0.1]"), ("/customers/0/phone", "214-555"),
    ("/customers/0/birth_date", "1984-13-01"), ("/customers/0/birth_date", "2025-01-11"),
    ("/customers/0/ssn_last4", "48210"), ("/customers/0/ssn_last4", "４８２１"),
    ("/customers/0/address/zip", "7500"), ("/customers/0/address/state", "Texas"),
    ("/money_factor", "0.1"), ("/residual", 5), ("/opening", {"as_of": "2025-02-01"}),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "value"), BAD)
def test_bad_input_is_refused_with_a_pointer(suite, retail, pointer, value):
    answer = suite.staff("POST", "/v1/staff/accounts", changed(retail, pointer, value))
    assert answer.status_code == 422, answer.json
    assert answer.content_type == "application/problem+json"
    pointers = [flaw["pointer"] for flaw in answer.json["errors"]]
    assert any(found.startswith(pointer) or pointer.startswith(found) for found in pointers)
    assert suite.published("account_boarded") == []


BAD_LEASES = [
    ("/residual", 3250000), ("/residual", -1), ("/money_factor", 0.00175), ("/principal", 5),
    ("/tax/rate", "8.25%"), ("/tax/method", "maybe"), ("/mileage/annual_allowance", -1),
    ("/fees/towing", 1), ("/extra", "principal"), ("/payment", 1), ("/security_deposit", -1),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "value"), BAD_LEASES)
def test_bad_leases_are_refused_with_a_pointer(suite, lease, pointer, value):
    answer = suite.staff("POST", "/v1/staff/accounts", changed(lease, pointer, value))
    assert answer.status_code == 422, answer.json
    pointers = [flaw["pointer"] for flaw in answer.json["errors"]]
    assert any(found.startswith(pointer) or pointer.startswith(found) for found in pointers)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [(b"", 400, "malformed_json"), (b"{", 400, "malformed_json"), (b"[]", 400, "malformed_json"),
     (b'{"principal": NaN}', 400, "malformed_json"),
     (b'{"product": "retail", "produc\\u0074": "lease"}', 400, "duplicate_member"),
     (b'{"opening": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "too_deep"),
     (b"\xff\xfe", 400, "malformed_json")],
)  # fmt: skip
def test_what_is_no_json_of_ours_is_refused(suite, raw, status, code):
    headers = {**testing.bearer(suite.runtime, scope="agent"), "Idempotency-Key": "k"}
    answer = suite.client.post(
        "/v1/staff/accounts", data=raw, headers=headers, content_type="application/json"
    )
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_two_primary_customers_or_one_twice_are_refused(suite, retail):
    person = retail["customers"][0]
    twice = {**retail, "customers": [person, {**person, "role": "co_borrower"}]}
    both = {**retail, "customers": [person, {**person, "birth_date": "1990-02-02"}]}
    none = {**retail, "customers": [{**person, "role": "co_borrower"}]}
    for document in (twice, both, none):
        answer = suite.staff("POST", "/v1/staff/accounts", document)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_value")
    assert suite.published("account_boarded") == []
