"""Owns the annual percentage rate by the actuarial method (Regulation Z, 12 CFR 1026 App. J)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Final

from carport.accounts.domain.schedule import original_schedule
from carport.accounts.domain.terms import RetailTerms
from carport.shared.kernel.days import add_months

MONTHS_A_YEAR: Final = 12
DAYS_A_MONTH: Final = 30
PLACES: Final = Decimal("0.000001")
TOLERANCE: Final = Decimal("1e-15")
STEPS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class TimedPayment:
    """*amount* cents, *periods* full unit periods and a *fraction* of one after the advance."""

    amount: int
    periods: int
    fraction: Fraction = Fraction(0)


def annual_percentage_rate(
    advance: int, payments: Iterable[TimedPayment], *, periods_per_year: int
) -> Decimal:
    """APR as a fraction of 1 (6 places) of one *advance* in cents: App. J (b)(8).

    Solves ``A = sum P / ((1 + f i)(1 + i)^t)`` by bisection; 0 when nothing is charged.
    """
    flow = tuple(payments)
    if sum(payment.amount for payment in flow) <= advance:
        return Decimal(0).quantize(PLACES)
    with localcontext() as context:
        context.prec = 40
        low, high = Decimal(0), Decimal(1)
        for _ in range(STEPS_MAX):
            if high - low < TOLERANCE:
                break
            middle = (low + high) / 2
            if _present_value(flow, middle) > advance:
                low = middle
            else:
                high = middle
        rate = (low + high) / 2 * periods_per_year
    return rate.quantize(PLACES, rounding=ROUND_HALF_UP)


def _present_value(flow: tuple[TimedPayment, ...], rate: Decimal) -> Decimal:
    """Discount a flow whose payments come in order of time, one multiplication a period."""
    value, discount, reached = Decimal(0), Decimal(1), 0
    factor = 1 / (1 + rate)
    for payment in flow:
        discount *= factor ** (payment.periods - reached)
        reached = payment.periods
        odd = 1 + rate * payment.fraction.numerator / payment.fraction.denominator
        value += payment.amount * discount / odd
    return value


def first_period(contract_date: date, first_due_date: date) -> tuple[int, Fraction]:
    """Unit-period months counted backwards from the first payment, odd days as 30ths (b)(5)."""
    months = (first_due_date.year - contract_date.year) * 12
    months += first_due_date.month - contract_date.month
    if add_months(first_due_date, -months) < contract_date:
        months -= 1
    odd = (add_months(first_due_date, -months) - contract_date).days
    return months, Fraction(odd, DAYS_A_MONTH)


def contract_apr(terms: RetailTerms) -> Decimal:
    """APR of a contract paid as scheduled, a fraction with 6 places (``0.064848``)."""
    months, odd = first_period(terms.contract_date, terms.first_due_date)
    rows = original_schedule(terms)
    flow = (TimedPayment(row.payment, months + row.number - 1, odd) for row in rows)
    return annual_percentage_rate(terms.principal, flow, periods_per_year=MONTHS_A_YEAR)
