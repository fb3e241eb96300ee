"""How much an account takes, on the day of its snapshot and later."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from carport.payments.domain.limits import (
    Account,
    AccountNotPayable,
    CurrencyMismatch,
    ExceedsPayoff,
    ExtraRefused,
    Order,
    check,
    payoff_on,
)

MAY_5 = date(2025, 5, 5)
# Domain rule 2.5, P1: the sample contract after instalment 3, balance 28,788.18, from 2025-04-24.
SAMPLE = Account(
    id="a", product="retail", status="active", currency="USD", as_of=date(2025, 4, 24),
    payoff=2_878_818, principal=2_878_818, accrued=Fraction(0), accrued_as_of=date(2025, 4, 24),
    annual_rate=Decimal("0.0649"), day_count="actual/365", fees_due=0, unapplied=0,
)  # fmt: skip
LEASE = replace(SAMPLE, product="lease", annual_rate=None, payoff=600_000)


def pay(amount, account=SAMPLE, **order):
    in_flight = order.pop("in_flight", 0)
    wanted = Order(**{"amount": amount, "currency": "USD", "effective_on": MAY_5, **order})
    check(account, wanted, in_flight=in_flight)


def test_the_payoff_grows_by_the_interest_of_each_day():
    assert payoff_on(SAMPLE, MAY_5) == 2_878_818 + 5_631
    assert payoff_on(SAMPLE, date(2025, 5, 15)) == 2_889_567


def test_fractions_of_a_cent_in_the_snapshot_count():
    to_may_5 = Fraction(2_878_818 * 649 * 11, 3_650_000)
    told = replace(SAMPLE, as_of=MAY_5, accrued=to_may_5, accrued_as_of=MAY_5, payoff=2_884_449)
    for day in range(5, 32):
        assert payoff_on(told, date(2025, 5, day)) == payoff_on(SAMPLE, date(2025, 5, day))


def test_fees_are_added_and_unapplied_money_is_taken_off():
    account = replace(SAMPLE, fees_due=2_500, unapplied=1_000)
    assert payoff_on(account, MAY_5) == payoff_on(SAMPLE, MAY_5) + 1_500


@pytest.mark.parametrize(
    ("day_count", "interest"),
    [("actual/365", 5_631), ("actual/360", 5_709), ("30/360", 5_709), ("actual/actual", 5_631)],
)
def test_each_day_count_weighs_days_its_own_way(day_count, interest):
    account = replace(SAMPLE, day_count=day_count)
    assert payoff_on(account, MAY_5) - account.principal == interest


def test_the_payoff_is_taken_and_a_cent_more_is_not():
    pay(2_884_449)
    with pytest.raises(ExceedsPayoff, match=r"at most \$28,844\.49"):
        pay(2_884_450)


def test_money_on_its_way_lowers_what_is_taken():
    pay(2_784_449, in_flight=100_000)
    with pytest.raises(ExceedsPayoff, match=r"\$1,000\.00 is already on its way"):
        pay(2_784_450, in_flight=100_000)


def test_a_lease_takes_what_its_snapshot_says_on_any_day():
    pay(600_000, LEASE, effective_on=date(2025, 7, 1))
    with pytest.raises(ExceedsPayoff):
        pay(600_001, LEASE, effective_on=date(2025, 7, 1))


def test_a_lease_has_no_principal_to_pay_ahead():
    with pytest.raises(ExtraRefused):
        pay(100, LEASE, extra="principal")
    pay(100, LEASE, extra="next_due")
    pay(100, SAMPLE, extra="principal")


@pytest.mark.parametrize("status", ["paid_off", "charged_off", "closed", "returned"])
def test_an_account_that_is_not_active_takes_nothing(status):
    with pytest.raises(AccountNotPayable):
        pay(100, replace(SAMPLE, status=status))


@pytest.mark.parametrize("currency", ["usd", "USDX", "EUR", ""])
def test_another_currency_is_refused(currency):
    with pytest.raises(CurrencyMismatch):
        pay(100, currency=currency)
