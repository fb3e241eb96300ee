"""Owns lease mathematics: parts of a payment, constant-yield balances (domain rule 2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

from carport.accounts.domain.terms import LeaseTerms
from carport.shared.kernel.money import round_half_up

YIELD_TOLERANCE: Final = Decimal("1e-18")
STEPS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class PaymentParts:
    """One lease payment in cents: base = depreciation + rent, total = base + tax."""

    depreciation: int
    rent: int
    base: int
    tax: int
    total: int


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """What rental *number* does: its rent charge, its depreciation, the balance it leaves."""

    number: int
    rent: int
    depreciation: int
    balance: int


def straight_line_parts(
    *, cap_cost: int, residual: int, money_factor: Decimal, months: int
) -> tuple[int, int]:
    """Depreciation and rent cents of a base payment by the money factor (L1)."""
    depreciation = round_half_up(Decimal(cap_cost - residual) / months)
    return depreciation, round_half_up((cap_cost + residual) * money_factor)


def payment_parts(terms: LeaseTerms) -> PaymentParts:
    """The parts as disclosed; a base given in the contract leaves the rest as rent."""
    depreciation = round_half_up(
        Decimal(terms.adjusted_cap_cost - terms.residual) / terms.term_months
    )
    rent = terms.base - depreciation
    return PaymentParts(depreciation, rent, terms.base, terms.rental_tax, terms.payment)


def implicit_yield(*, cap_cost: int, residual: int, base: int, months: int) -> Decimal:
    """Annual yield, solved far below 1e-12, that brings the balance to *residual*.

    Payments are in advance: B(k) = (B(k-1) - base) x (1 + y/12), the Federal Reserve's
    constant-yield method. Bisection: the end balance only rises with the yield.
    """
    if months * base <= cap_cost - residual:
        return Decimal(0)
    with localcontext() as context:
        context.prec = 40
        low, high = Decimal(0), Decimal(1)
        for _ in range(STEPS_MAX):
            if high - low < YIELD_TOLERANCE:
                break
            middle = (low + high) / 2
            if _end_balance(cap_cost, base, months, middle) < residual:
                low = middle
            else:
                high = middle
        return +((low + high) / 2 * 12)


def _end_balance(cap_cost: int, base: int, months: int, monthly: Decimal) -> Decimal:
    growth = (1 + monthly) ** months
    annuity_due = (growth - 1) / monthly * (1 + monthly)
    return cap_cost * growth - base * annuity_due


def amortise(*, cap_cost: int, residual: int, base: int, months: int) -> tuple[BalanceRow, ...]:
    """Adjusted lease balances; the yield is never rounded, each month's rent is, half up.

    The last month's rent brings the balance to *residual* exactly.
    """
    monthly = implicit_yield(cap_cost=cap_cost, residual=residual, base=base, months=months) / 12
    rows, balance = [], cap_cost
    for number in range(1, months + 1):
        rent = round_half_up((balance - base) * monthly)
        if number == months:
            rent = residual - balance + base
        balance -= base - rent
        rows.append(BalanceRow(number, rent, base - rent, balance))
    return tuple(rows)


@lru_cache(maxsize=4096)
def balance_table(terms: LeaseTerms) -> tuple[BalanceRow, ...]:
    """The table of *terms*, a row for each rental of the original term."""
    return amortise(
        cap_cost=terms.adjusted_cap_cost,
        residual=terms.residual,
        base=terms.base,
        months=terms.term_months,
    )
