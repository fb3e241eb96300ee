"""Owns the terms of a contract as values: what was agreed, already checked and complete.

Amounts are cents, rates are exact decimal fractions (``0.0649`` is 6.49 % a year).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Final, Literal

from carport.shared.kernel.days import add_months

DayCount = Literal["actual/365", "actual/actual", "30/360", "actual/360"]
Bucket = Literal["interest", "principal", "fees"]
Extra = Literal["next_due", "principal"]
FeeKind = Literal["flat", "percent", "greater_of", "lesser_of"]
TaxMethod = Literal["on_payment", "on_price", "none"]

DAY_COUNTS: Final[tuple[DayCount, ...]] = ("actual/365", "actual/actual", "30/360", "actual/360")
BUCKETS: Final[tuple[Bucket, ...]] = ("interest", "principal", "fees")
EXTRAS: Final[tuple[Extra, ...]] = ("next_due", "principal")
FEE_KINDS: Final[tuple[FeeKind, ...]] = ("flat", "percent", "greater_of", "lesser_of")
TAX_METHODS: Final[tuple[TaxMethod, ...]] = ("on_payment", "on_price", "none")


@dataclass(frozen=True, slots=True)
class LateFee:
    """The late fee rule of a contract (domain rule 2.7); 500 basis points are 5 %."""

    kind: FeeKind
    amount: int = 0
    basis_points: int = 0
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """Figures of a contract taken over in mid-life, as of the opening of ``as_of``.

    For a lease ``principal`` is the adjusted lease balance.
    """

    as_of: date
    principal: int
    accrued_interest: int
    fees: int
    next_due_date: date


@dataclass(frozen=True, slots=True)
class Tax:
    """How a lease is taxed: on each payment, on the price (part of the cost), or not."""

    rate: Decimal = Decimal(0)
    method: TaxMethod = "none"


@dataclass(frozen=True, slots=True)
class Mileage:
    """Miles a year, cents for each mile above, odometer at the start."""

    annual_allowance: int
    excess_rate: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class LeaseFees:
    """Lease-end fees in cents."""

    disposition: int = 0
    purchase_option: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonTerms:
    """What a loan and a lease agree on alike. ``payment`` is one instalment in cents."""

    contract_date: date
    term_months: int
    first_due_date: date
    due_day: int
    payment: int
    currency: str = "USD"
    day_count: DayCount = "actual/365"
    grace_days: int = 10
    late_fee: LateFee | None = None
    nsf_fee: int = 0
    allocation: tuple[Bucket, ...] = BUCKETS
    extra: Extra = "next_due"
    opening: Opening | None = None

    @property
    def starts_on(self) -> date:
        """The day from which this ledger answers for the contract."""
        return self.opening.as_of if self.opening else self.contract_date

    @property
    def first_number(self) -> int:
        """Number of the first instalment this ledger collects."""
        if self.opening is None:
            return 1
        return instalment_number(self, self.opening.next_due_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetailTerms(CommonTerms):
    """A simple-interest instalment contract."""

    product: ClassVar[Literal["retail"]] = "retail"
    principal: int
    annual_rate: Decimal
    disclosed_apr: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms(CommonTerms):
    """A closed-end lease, rentals in advance; ``payment`` is ``base`` + ``rental_tax``."""

    product: ClassVar[Literal["lease"]] = "lease"
    adjusted_cap_cost: int
    residual: int
    money_factor: Decimal
    base: int
    tax: Tax = Tax()
    mileage: Mileage | None = None
    fees: LeaseFees = LeaseFees()
    security_deposit: int = 0

    @property
    def rental_tax(self) -> int:
        """Tax cents in each rental."""
        return self.payment - self.base


Terms = RetailTerms | LeaseTerms

_COMMON = {
    "product", "contract_date", "term_months", "first_due_date", "due_day", "payment", "currency",
    "day_count", "grace_days", "late_fee", "nsf_fee", "allocation", "extra", "opening",
}  # fmt: skip
TERM_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "retail": frozenset(_COMMON | {"principal", "annual_rate", "disclosed_apr"}),
    "lease": frozenset(
        _COMMON
        | {"adjusted_cap_cost", "residual", "money_factor", "tax", "mileage", "fees"}
        | {"security_deposit"}
    ),
}
"""Members of the boarding document that are terms, by product."""


@lru_cache(maxsize=4096)
def due_dates(first_due_date: date, due_day: int, count: int) -> tuple[date, ...]:
    """*count* monthly due dates; shorter months use their last day, later ones do not drift."""
    return tuple(add_months(first_due_date, k, due_day=due_day) for k in range(count))


def due_date(terms: CommonTerms, number: int) -> date:
    """Due date of instalment *number*, counted from 1."""
    return add_months(terms.first_due_date, number - 1, due_day=terms.due_day)


def instalment_number(terms: CommonTerms, due_on: date) -> int:
    """Number of the instalment due on *due_on*; raises ValueError when none is."""
    first = terms.first_due_date
    number = (due_on.year - first.year) * 12 + due_on.month - first.month + 1
    if number < 1 or due_date(terms, number) != due_on:
        raise ValueError(f"no instalment is due on {due_on}")
    return number


def maturity(terms: Terms, *, extension_months: int = 0) -> date:
    """Retail: the last due date. Lease: contract date + term (+ months of extension)."""
    if terms.product == "retail":
        return due_date(terms, terms.term_months)
    return add_months(terms.contract_date, terms.term_months + extension_months)
