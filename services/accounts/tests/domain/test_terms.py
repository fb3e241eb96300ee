"""Terms in and out of JSON, and what is refused, each by the pointer of the member at fault."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from carport.accounts.domain.terms import LateFee, Opening, due_date, instalment_number
from carport.accounts.domain.terms_json import dump_terms, parse_terms
from carport.accounts.domain.terms_rules import TermsRefused

from .builders import LEASE, RETAIL, day, lease, loan


def problems(document: object) -> list[tuple[str, str]]:
    """Pointer and code of everything wrong with *document*."""
    with pytest.raises(TermsRefused) as refused:
        parse_terms(document)  # type: ignore[arg-type]
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def test_what_the_boarding_document_leaves_out_is_filled_in() -> None:
    terms = loan()
    assert (terms.payment, terms.due_day, terms.currency) == (58_684, 24, "USD")
    assert (terms.day_count, terms.allocation) == ("actual/365", ("interest", "principal", "fees"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"late_fee": {"kind": "lesser_of", "amount": 2500, "basis_points": 500, "maximum": 9}},
        {"disclosed_apr": "0.064848", "extra": "principal", "nsf_fee": 2500, "late_fee": None},
        {
            "opening": {
                "as_of": "2025-06-01",
                "principal": 2_835_490,
                "accrued_interest": 4_033,
                "fees": 2500,
                "next_due_date": "2025-06-24",
            }
        },
    ],
)
def test_terms_survive_the_way_through_json(changes: dict[str, object]) -> None:
    terms = loan(**changes)
    assert parse_terms(json.loads(json.dumps(dump_terms(terms)))) == terms


def test_lease_terms_survive_the_way_through_json() -> None:
    assert parse_terms(json.loads(json.dumps(dump_terms(lease())))) == lease()


def test_the_smallest_and_the_largest_late_fee_may_be_the_same() -> None:
    rule = {"kind": "flat", "amount": 2500, "minimum": 2500, "maximum": 2500}
    assert loan(late_fee=rule).late_fee == LateFee("flat", 2500, 0, 2500, 2500)


def test_nested_terms_become_values() -> None:
    terms = loan(late_fee={"kind": "percent", "basis_points": 500, "minimum": 1000})
    assert terms.late_fee == LateFee("percent", basis_points=500, minimum=1000)
    assert lease().tax.rate == Decimal("0.0825")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"principal": "3000000"}, "/principal", "invalid_type"),
        ({"principal": True}, "/principal", "invalid_type"),
        ({"principal": 0}, "/principal", "out_of_range"),
        ({"principal": None}, "/principal", "missing"),
        ({"annual_rate": 0.0649}, "/annual_rate", "invalid_type"),
        ({"annual_rate": "6.49"}, "/annual_rate", "out_of_range"),
        ({"annual_rate": "0.06491234"}, "/annual_rate", "out_of_range"),
        ({"annual_rate": "-0.01"}, "/annual_rate", "invalid_type"),
        ({"contract_date": "2025-02-30"}, "/contract_date", "impossible_date"),
        ({"first_due_date": "9999-12-24"}, "/first_due_date", "impossible_date"),
        ({"contract_date": "20250110"}, "/contract_date", "impossible_date"),
        ({"contract_date": "2025-02-24"}, "/first_due_date", "impossible_date"),
        ({"contract_date": "2024-06-01"}, "/first_due_date", "impossible_date"),
        ({"due_day": 23}, "/due_day", "contradictory_terms"),
        ({"due_day": 32}, "/due_day", "out_of_range"),
        ({"term_months": 0}, "/term_months", "out_of_range"),
        ({"term_months": 121}, "/term_months", "out_of_range"),
        ({"day_count": "actual/364"}, "/day_count", "invalid_type"),
        ({"grace_days": -1}, "/grace_days", "out_of_range"),
        ({"currency": "usd"}, "/currency", "invalid_type"),
        ({"allocation": ["interest", "fees"]}, "/allocation", "invalid_type"),
        ({"allocation": ["interest", "fees", "fees"]}, "/allocation", "invalid_type"),
        ({"allocation": [{}, [], 1]}, "/allocation", "invalid_type"),
        ({"late_fee": 2500}, "/late_fee", "invalid_type"),
        ({"late_fee": {"kind": "daily", "amount": 1}}, "/late_fee/kind", "invalid_type"),
        ({"late_fee": {"kind": "flat"}}, "/late_fee/amount", "missing"),
        ({"late_fee": {"kind": "percent"}}, "/late_fee/basis_points", "missing"),
        ({"late_fee": {"kind": "flat", "amount": 1, "x": 1}}, "/late_fee/x", "unknown_member"),
        (
            {"late_fee": {"kind": "flat", "amount": 9, "minimum": 5, "maximum": 4}},
            "/late_fee/minimum",
            "contradictory_terms",
        ),
        ({"balloon": 1}, "/balloon", "unknown_member"),
        ({"residual": 1}, "/residual", "unknown_member"),
        ({"payment": 20_000}, "/payment", "negative_amortization"),
        ({"payment": 40_000}, "/payment", "payment_too_small"),
        ({"payment": 70_000}, "/payment", "contradictory_terms"),
        ({"disclosed_apr": "0.0700"}, "/disclosed_apr", "contradictory_terms"),
    ],
)
def test_a_loan_is_refused_by_the_member_at_fault(
    changes: dict[str, object], pointer: str, code: str
) -> None:
    assert problems({**RETAIL, **changes}) == [(pointer, code)]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"first_due_date": "2023-02-01"}, "/first_due_date", "impossible_date"),
        ({"residual": 3_250_000}, "/residual", "contradictory_terms"),
        ({"payment": 60_000}, "/payment", "contradictory_terms"),
        ({"money_factor": "0", "payment": 40_960}, "/payment", "payment_too_small"),
        ({"extra": "principal"}, "/extra", "contradictory_terms"),
        ({"tax": {"rate": "0.08"}}, "/tax/method", "missing"),
        ({"mileage": {"excess_rate": 20}}, "/mileage/annual_allowance", "missing"),
        ({"annual_rate": "0.05"}, "/annual_rate", "unknown_member"),
    ],
)
def test_a_lease_is_refused_by_the_member_at_fault(
    changes: dict[str, object], pointer: str, code: str
) -> None:
    assert problems({**LEASE, **changes}) == [(pointer, code)]


OPENING = {
    "as_of": "2025-06-01",
    "principal": 2_835_490,
    "accrued_interest": 4_033,
    "fees": 0,
    "next_due_date": "2025-06-24",
}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"as_of": "2025-01-09"}, "/opening/as_of", "impossible_date"),
        ({"next_due_date": "2025-06-23"}, "/opening/next_due_date", "impossible_date"),
        ({"next_due_date": "2031-06-24"}, "/opening/next_due_date", "impossible_date"),
        ({"principal": 3_000_001}, "/opening/principal", "contradictory_terms"),
        ({"balance": 1}, "/opening/balance", "unknown_member"),
    ],
)
def test_an_opening_is_refused_by_the_member_at_fault(
    changes: dict[str, object], pointer: str, code: str
) -> None:
    assert problems({**RETAIL, "opening": {**OPENING, **changes}}) == [(pointer, code)]


def test_the_opening_of_a_lease_must_agree_with_its_own_table() -> None:
    opening = {**OPENING, "as_of": "2024-03-01", "next_due_date": "2024-03-01"}
    opening["accrued_interest"] = 0
    assert lease(opening={**opening, "principal": 2_814_038}).opening is not None
    assert problems({**LEASE, "opening": opening}) == [
        ("/opening/principal", "contradictory_terms")
    ]


def test_all_problems_are_told_at_once() -> None:
    document = {**RETAIL, "principal": -1, "annual_rate": "x", "colour": "red"}
    assert problems(document) == [
        ("/colour", "unknown_member"),
        ("/principal", "out_of_range"),
        ("/annual_rate", "invalid_type"),
    ]


def test_an_unknown_product_is_refused() -> None:
    assert ("/product", "invalid_type") in problems({**RETAIL, "product": "loan"})


def test_a_disclosed_rate_within_an_eighth_of_a_point_is_accepted() -> None:
    assert loan(disclosed_apr="0.0649").disclosed_apr == Decimal("0.0649")


def test_a_rate_of_zero_is_a_contract_like_any_other() -> None:
    assert loan(annual_rate="0").payment == 50_000


def test_an_instalment_is_known_by_its_due_date() -> None:
    terms = loan(first_due_date="2025-01-31", due_day=31)
    assert due_date(terms, 2) == day("02-28")
    assert instalment_number(terms, day("04-30")) == 4
    with pytest.raises(ValueError, match="no instalment"):
        instalment_number(terms, day("03-30"))


def test_a_contract_taken_over_starts_with_its_opening() -> None:
    terms = loan(opening=OPENING)
    assert terms.opening == Opening(day("06-01"), 2_835_490, 4_033, 0, day("06-24"))
    assert (terms.starts_on, terms.first_number) == (day("06-01"), 5)
