"""Owns where a contract stands on a day: its balances, its instalments and what is next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from carport.accounts.domain import interest
from carport.accounts.domain.delinquency import Instalment, days_past_due, past_due
from carport.accounts.domain.terms import RetailTerms, Terms

Status = Literal["active", "paid_off", "returned", "charged_off"]


@dataclass(frozen=True, slots=True)
class NextDue:
    """What is to be paid next and when."""

    amount: int
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A contract as of the opening of ``as_of``; cents unless said otherwise.

    ``accrued`` is the exact unpaid interest as a numerator over ``accrued_scale``;
    ``interest_credited`` all interest ever credited by allocations, variances and write-offs;
    ``given`` what counted towards the instalments (a lease: what was paid on rentals). The
    second half follows from the first on the day ``as_of``: `stand` fills it in.
    """

    as_of: date
    status: Status
    fees_due: int
    unapplied: int
    given: int
    maturity: date
    instalments: tuple[Instalment, ...]
    principal: int = 0
    accrued: int = 0
    accrued_scale: int = 1
    interest_credited: int = 0
    lease_balance: int = 0
    rentals_billed: int = 0
    rentals_due: int = 0

    interest: int = 0
    per_diem: Decimal = Decimal("0.0000")
    paid_to: date = date.min
    next_due: NextDue | None = None
    grace_ends_on: date | None = None
    past_due: int = 0
    days_past_due: int = 0
    payments_made: int = 0
    payments_remaining: int = 0


def stand(terms: Terms, state: State) -> State:
    """*state* with everything filled in that follows on its day."""
    on, instalments = state.as_of, state.instalments
    unpaid = [instalment for instalment in instalments if instalment.remaining]
    made = len(instalments) - [instalment.satisfied_on for instalment in instalments].count(None)
    return replace(
        state,
        interest=interest.rounded(state.accrued, state.accrued_scale),
        per_diem=_per_diem(terms, state),
        paid_to=_paid_to(terms, instalments),
        next_due=_next_due(unpaid, on),
        grace_ends_on=_grace_end(terms, unpaid, on),
        past_due=past_due(unpaid, on=on),
        days_past_due=days_past_due(unpaid, on=on),
        payments_made=terms.first_number - 1 + made,
        payments_remaining=len(instalments) - made,
    )


def aged(terms: Terms, state: State, *, on: date) -> State:
    """*state* on a later day on which nothing but time has passed: no replay."""
    accrued = numerator_at(terms, state, on=on)
    return stand(terms, replace(state, as_of=on, accrued=accrued))


def numerator_at(terms: Terms, state: State, *, on: date) -> int:
    """Exact unpaid interest on *on*, the principal unchanged since ``as_of``."""
    if not isinstance(terms, RetailTerms):
        return 0
    return interest.accrued_at(
        state.accrued,
        principal=state.principal,
        annual_rate=terms.annual_rate,
        day_count=terms.day_count,
        since=state.as_of,
        on=on,
    )


def interest_at(terms: Terms, state: State, *, on: date) -> int:
    """Cents of unpaid interest on *on*, the principal unchanged since ``as_of``."""
    return interest.rounded(numerator_at(terms, state, on=on), state.accrued_scale)


def balance(state: State) -> int:
    """What is owed now: principal + interest (a lease: rentals billed) + fees - unapplied."""
    owed = state.principal + state.interest + state.rentals_due
    return owed + state.fees_due - state.unapplied


def payoff(terms: Terms, state: State, *, on: date) -> int:
    """Cents that settle the contract on *on* (domain rule 2.5).

    A lease has no payoff but its quotes; this is the most it takes: all rentals to maturity.
    """
    interest_then = interest_at(terms, state, on=on)
    billed, is_lease = state.rentals_billed, terms.product == "lease"
    owed = sum(i.amount for i in state.instalments if i.number > billed) if is_lease else 0
    return balance(state) - state.interest + interest_then + owed


def _per_diem(terms: Terms, state: State) -> Decimal:
    if not isinstance(terms, RetailTerms):
        return Decimal("0.0000")
    return interest.per_diem(
        state.principal, terms.annual_rate, state.as_of, day_count=terms.day_count
    )


def _paid_to(terms: Terms, instalments: Sequence[Instalment]) -> date:
    """Due date of the last instalment satisfied without a gap, else the contract date."""
    paid_to = terms.contract_date
    for instalment in instalments:
        if instalment.satisfied_on is None:
            break
        paid_to = instalment.due_date
    return paid_to


def _next_due(unpaid: Sequence[Instalment], on: date) -> NextDue | None:
    for instalment in unpaid:
        if instalment.due_date >= on:
            return NextDue(instalment.remaining, instalment.due_date)
    return None


def _grace_end(terms: Terms, unpaid: Sequence[Instalment], on: date) -> date | None:
    """End of grace of the oldest open instalment still in time to avoid its late fee."""
    grace = timedelta(days=terms.grace_days)
    for instalment in unpaid:
        if instalment.due_date + grace >= on:
            return instalment.due_date + grace
    return None
