"""A lease as its end sees it: the terms it was boarded with and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Terms:
    """Terms of the contract that never change. Amounts in cents; *adjusted_balances* has one
    balance for each number of instalments billed; *tax_rate* is a decimal fraction as text."""

    account_id: str
    term_months: int
    payment: int
    residual: int
    adjusted_balances: tuple[int, ...]
    tax_rate: str
    tax_method: str
    annual_allowance: int
    excess_rate: int
    start_odometer: int
    disposition_fee: int
    purchase_option_fee: int


@dataclass(frozen=True)
class Standing:
    """Where the lease stands on *as_of*. *unpaid* is rentals billed + fees - unapplied (negative:
    a credit), *adjusted_balance* the ledger's, amounts in cents."""

    as_of: date
    maturity_date: date
    is_open: bool
    unpaid: int
    adjusted_balance: int
    oldest_unpaid_due: date | None
    payments_remaining: int
    flags: frozenset[str] = frozenset()
    paid_off_on: date | None = None

    @property
    def days_to_maturity(self) -> int:
        """Negative after the maturity date."""
        return (self.maturity_date - self.as_of).days

    @property
    def days_past_due(self) -> int:
        """Days since the oldest instalment that is not satisfied was due."""
        due = self.oldest_unpaid_due
        return max(0, (self.as_of - due).days) if due else 0
