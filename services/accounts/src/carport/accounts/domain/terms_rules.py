"""Owns what makes terms contradictory, impossible or unlawful, each with the member at fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from carport.accounts.domain.apr import contract_apr
from carport.accounts.domain.lease import balance_table, payment_parts, straight_line_parts
from carport.accounts.domain.schedule import (
    ScheduleRow,
    level_payment,
    original_schedule,
)
from carport.accounts.domain.terms import (
    CommonTerms,
    LeaseTerms,
    RetailTerms,
    Terms,
    due_date,
    instalment_number,
)

APR_TOLERANCE: Final = Decimal("0.00125")
"""One eighth of a percentage point (12 CFR 1026.22(a)(2))."""
FIRST_PERIOD_DAYS_MAX: Final = 123
LEASE_BASE_TOLERANCE: Final = 100
"""Cents by which a contract's printed base may differ from its own money factor."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: JSON pointer of the member, stable code, words for a person."""

    pointer: str
    code: str
    message: str


class TermsRefused(Exception):
    """The terms cannot be boarded; ``problems`` names every member at fault."""

    code = "invalid_terms"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.pointer}: {p.message}" for p in problems))


def problems_of(terms: Terms) -> Iterator[Problem]:
    """Everything that is wrong with *terms*: dates first, amounts only where dates hold."""
    found = [*_dates(terms)]
    yield from found
    yield from _late_fee_rule(terms)
    if found:
        return
    if isinstance(terms, LeaseTerms):
        yield from _lease(terms)
    else:
        yield from _retail(terms)


def _dates(terms: Terms) -> Iterator[Problem]:
    first = terms.first_due_date
    wait = (first - terms.contract_date).days
    if wait < (0 if isinstance(terms, LeaseTerms) else 1):
        yield Problem("/first_due_date", "impossible_date", "falls before the contract begins")
    if wait > FIRST_PERIOD_DAYS_MAX:
        yield Problem(
            "/first_due_date", "impossible_date", f"more than {FIRST_PERIOD_DAYS_MAX} days away"
        )
    if due_date(terms, 1) != first:
        yield Problem("/due_day", "contradictory_terms", "first_due_date is not on this day")
    elif terms.opening:
        yield from _opening_dates(terms)


def _opening_dates(terms: Terms) -> Iterator[Problem]:
    opening = terms.opening
    if opening is None:
        return
    if opening.as_of < terms.contract_date:
        yield Problem("/opening/as_of", "impossible_date", "before the contract date")
    try:
        number = instalment_number(terms, opening.next_due_date)
    except ValueError:
        number = 0
    if not 1 <= number <= terms.term_months:
        yield Problem("/opening/next_due_date", "impossible_date", "is not a due date of it")


def _late_fee_rule(terms: CommonTerms) -> Iterator[Problem]:
    rule = terms.late_fee
    if rule is None:
        return
    if rule.kind != "percent" and rule.amount == 0:
        yield Problem("/late_fee/amount", "missing", f"a {rule.kind} fee needs it")
    if rule.kind != "flat" and rule.basis_points == 0:
        yield Problem("/late_fee/basis_points", "missing", f"a {rule.kind} fee needs it")
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        yield Problem("/late_fee/minimum", "contradictory_terms", "above the maximum")


def _retail(terms: RetailTerms) -> Iterator[Problem]:
    if terms.opening and terms.opening.principal > terms.principal:
        yield Problem("/opening/principal", "contradictory_terms", "above the amount financed")
    rows = original_schedule(terms)
    problem = _amortisation(terms, rows)
    if problem:
        yield problem
        return
    if terms.disclosed_apr is not None:
        ours = contract_apr(terms)
        if abs(ours - terms.disclosed_apr) > APR_TOLERANCE:
            yield Problem("/disclosed_apr", "contradictory_terms", f"these terms have {ours}")


def _amortisation(terms: RetailTerms, rows: tuple[ScheduleRow, ...]) -> Problem | None:
    """Why these rows do not repay the principal over the term, if they do not."""
    if rows[0].interest >= rows[0].payment:
        return Problem("/payment", "negative_amortization", "does not cover the first interest")
    if len(rows) < terms.term_months:
        return Problem("/payment", "contradictory_terms", "repays before the term ends")
    fitting = level_payment(terms.principal, terms.annual_rate, terms.term_months)
    if terms.payment * terms.term_months < (fitting * (terms.term_months - 1)):
        return Problem("/payment", "payment_too_small", f"a level payment is {fitting}")
    return None


def _lease(terms: LeaseTerms) -> Iterator[Problem]:
    if terms.residual >= terms.adjusted_cap_cost:
        yield Problem("/residual", "contradictory_terms", "not below the adjusted cap cost")
        return
    if terms.extra == "principal":
        yield Problem("/extra", "contradictory_terms", "a lease has no principal to prepay")
    if terms.tax.method != "on_payment" and terms.rental_tax:
        yield Problem("/payment", "contradictory_terms", "contains a tax that is not on payments")
    depreciation, rent = straight_line_parts(
        cap_cost=terms.adjusted_cap_cost,
        residual=terms.residual,
        money_factor=terms.money_factor,
        months=terms.term_months,
    )
    if abs(terms.base - depreciation - rent) > LEASE_BASE_TOLERANCE:
        yield Problem("/payment", "contradictory_terms", f"the base is {depreciation + rent}")
    elif payment_parts(terms).rent < 0:
        yield Problem("/payment", "payment_too_small", "does not cover the depreciation")
    else:
        yield from _lease_opening(terms)


def _lease_opening(terms: LeaseTerms) -> Iterator[Problem]:
    if terms.opening is None:
        return
    billed = terms.first_number - 1
    balance = balance_table(terms)[billed - 1].balance if billed else terms.adjusted_cap_cost
    if terms.opening.principal != balance:
        yield Problem("/opening/principal", "contradictory_terms", f"the balance is {balance}")
    if terms.opening.accrued_interest:
        yield Problem("/opening/accrued_interest", "contradictory_terms", "a lease accrues none")
