"""Buying the vehicle: the worked numbers of domain rule 2.6."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from carport.lease.domain.buyout import buyout
from carport.lease.domain.lease import Standing, Terms

MATURITY = date(2026, 3, 1)
L1 = Terms(
    account_id="l1",
    term_months=36,
    payment=50772,
    residual=1885000,
    adjusted_balances=(),
    tax_rate="0.0825",
    tax_method="on_payment",
    annual_allowance=10000,
    excess_rate=20,
    start_odometer=12,
    disposition_fee=40000,
    purchase_option_fee=30000,
)
AFTER_24 = Standing(
    as_of=date(2025, 2, 15),
    maturity_date=MATURITY,
    is_open=True,
    unpaid=0,
    adjusted_balance=2359308,
    oldest_unpaid_due=None,
    payments_remaining=12,
)
AT_MATURITY = replace(AFTER_24, as_of=MATURITY, adjusted_balance=1885000, payments_remaining=0)


def test_l7_at_maturity_costs_20_729_88():
    figure = buyout(L1, AT_MATURITY)
    assert figure.basis == "residual"
    parts = (figure.price, figure.purchase_option_fee, figure.unpaid, figure.tax)
    assert parts == (1885000, 30000, 0, 157988)
    assert figure.amount == 2072988


def test_during_the_term_the_adjusted_lease_balance_counts():
    figure = buyout(L1, AFTER_24)
    assert figure.basis == "adjusted_balance"
    assert (figure.price, figure.tax) == (2359308, 197118)
    assert figure.amount == 2359308 + 30000 + 197118


@pytest.mark.parametrize("unpaid", [50772, 2500 + 2 * 50772, -10000])
def test_what_is_unpaid_is_added_and_a_credit_taken_off_untaxed(unpaid):
    figure = buyout(L1, replace(AFTER_24, unpaid=unpaid))
    assert figure.amount == buyout(L1, AFTER_24).amount + unpaid
    assert figure.tax == buyout(L1, AFTER_24).tax


def test_the_day_before_maturity_is_still_during_the_term():
    assert buyout(L1, replace(AT_MATURITY, as_of=date(2026, 2, 28))).basis == "adjusted_balance"


def test_after_maturity_the_residual_stays_the_price():
    assert buyout(L1, replace(AT_MATURITY, as_of=date(2026, 3, 9))).amount == 2072988


@pytest.mark.parametrize(
    ("method", "tax"), [("on_payment", 157988), ("on_price", 157988), ("none", 0)]
)
def test_only_a_lease_without_tax_is_bought_without_tax(method, tax):
    assert buyout(replace(L1, tax_method=method), AT_MATURITY).tax == tax


def test_a_paid_off_lease_has_no_price():
    assert buyout(L1, replace(AT_MATURITY, is_open=False)) is None
