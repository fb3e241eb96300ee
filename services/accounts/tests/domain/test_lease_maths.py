"""Parts of a lease payment and adjusted lease balances: L1, L2 and L4 of the domain guide."""

from __future__ import annotations

from decimal import Decimal

import pytest
from carport.accounts.domain.lease import (
    PaymentParts,
    amortise,
    balance_table,
    implicit_yield,
    payment_parts,
)

from .builders import lease

L2 = {"cap_cost": 1_880_000, "residual": 1_235_000, "base": 24_469, "months": 48}


def test_the_parts_of_l1_are_379_17_and_89_86_and_tax_38_69() -> None:
    assert payment_parts(lease()) == PaymentParts(37_917, 8_986, 46_903, 3_869, 50_772)


def test_without_a_tax_on_payments_the_total_is_the_base() -> None:
    upfront = lease(tax={"rate": "0.0825", "method": "on_price"})
    assert payment_parts(upfront) == PaymentParts(37_917, 8_986, 46_903, 0, 46_903)


def test_a_printed_payment_is_taken_apart_into_base_and_tax() -> None:
    printed = payment_parts(lease(payment=50_780))
    assert printed == PaymentParts(37_917, 8_993, 46_910, 3_870, 50_780)


def test_the_implicit_yield_of_the_official_example_is_8_4971443831_percent() -> None:
    assert round(implicit_yield(**L2), 12) == Decimal("0.084971443831")


def test_the_implicit_yield_of_l1_is_4_2223653779_percent() -> None:
    terms = lease()
    found = implicit_yield(
        cap_cost=terms.adjusted_cap_cost, residual=terms.residual, base=terms.base, months=36
    )
    assert round(found, 12) == Decimal("0.042223653779")


def test_the_official_example_comes_out_month_by_month() -> None:
    rows = amortise(**L2)
    assert (rows[0].rent, rows[0].depreciation, rows[0].balance) == (13_139, 11_330, 1_868_670)
    assert (rows[1].rent, rows[1].depreciation, rows[1].balance) == (13_059, 11_410, 1_857_260)
    assert [rows[n - 1].balance for n in (12, 24, 36)] == [1_738_619, 1_584_745, 1_417_273]


def test_the_last_month_takes_the_rounding_and_ends_at_the_residual() -> None:
    rows = amortise(**L2)
    assert rows[-1].balance == 1_235_000
    assert sum(row.rent for row in rows) == 529_512


@pytest.mark.parametrize(
    ("number", "balance"),
    [(1, 3_214_368), (12, 2_814_038), (24, 2_359_308), (30, 2_124_654), (36, 1_885_000)],
)
def test_l1_by_constant_yield_is_l4(number: int, balance: int) -> None:
    assert balance_table(lease())[number - 1].balance == balance


def test_the_first_rent_of_l4_is_112_71_and_all_of_it_3_235_08() -> None:
    rows = balance_table(lease())
    assert (rows[0].rent, sum(row.rent for row in rows)) == (11_271, 323_508)


def test_a_lease_without_rent_has_no_yield() -> None:
    assert implicit_yield(cap_cost=360_000, residual=0, base=10_000, months=36) == 0
