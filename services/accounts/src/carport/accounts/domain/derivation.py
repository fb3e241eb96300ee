"""Owns what a replay answers: allocations, charges, the state they lead to and the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from carport.accounts.domain.interest import Span
from carport.accounts.domain.state import State

ChargeKind = Literal["late_fee", "fee", "waiver", "rental", "write_off", "return", "quote_variance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Where the cents of a payment went on a day.

    ``part`` is "" for the payment's own day: its parts and ``unapplied`` add up to its amount.
    Later uses of the unapplied rest are further allocations ("rental.<n>", "fee.<id>"), whose
    ``unapplied`` is the negative of their other parts, so all of a payment add up to its amount.
    """

    payment_id: str
    effective_on: date
    part: str = ""
    interest: int = 0
    principal: int = 0
    fees: int = 0
    rental: int = 0
    lease_balance: int = 0
    fee_income: int = 0
    tax: int = 0
    recovery: int = 0
    unapplied: int = 0

    @property
    def applied(self) -> int:
        """Cents that left unapplied."""
        return (
            self.interest
            + self.principal
            + self.fees
            + self.rental
            + self.lease_balance
            + self.fee_income
            + self.tax
            + self.recovery
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Something the replay bills, forgives or closes; ``key`` is its business key.

    late_fee, rental: the instalment's number; quote_variance: the payment; others: the item.
    ``fees`` of a fee is what it adds, of a waiver, write-off or variance what it takes away.
    """

    kind: ChargeKind
    key: str
    effective_on: date
    interest: int = 0
    principal: int = 0
    fees: int = 0
    rental: int = 0
    rent: int = 0
    lease_balance: int = 0
    tax: int = 0


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything that follows from a contract's terms and items."""

    allocations: tuple[Allocation, ...]
    charges: tuple[Charge, ...]
    state: State
    spans: tuple[Span, ...]
