"""Owns the facts of a contract that a replay starts from, and their total order.

A contract's items are ordered by (effective_on, kind, id). A reversal is no item: it takes its
item out. What replay derives itself (late fees, rentals) takes its kind's place in that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import ClassVar

from carport.accounts.domain.terms import Extra


class Kind(IntEnum):
    """The order of kinds within one day."""

    TERMS = 0
    RENTAL = 1
    PAYMENT = 2
    FEE = 3
    WRITE_OFF = 4


@dataclass(frozen=True, slots=True)
class Quote:
    """A payoff quote a payment refers to, its ``amount`` that of the payment's effective day.

    ``fees`` and ``tax`` are the parts of a lease buyout beside rentals, fees due and the balance.
    """

    id: str
    amount: int
    fees: int = 0
    tax: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received, or a credit granted; ``extra`` overrides what the contract says."""

    kind: ClassVar[Kind] = Kind.PAYMENT
    id: str
    effective_on: date
    amount: int
    extra: Extra | None = None
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Unapplied money sent back to the customer."""

    kind: ClassVar[Kind] = Kind.PAYMENT
    id: str
    effective_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee assessed by staff, a return or a lease-end bill; ``code`` says which."""

    kind: ClassVar[Kind] = Kind.FEE
    id: str
    effective_on: date
    amount: int
    code: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """Forgives up to ``amount`` of what is unpaid of a fee: its id, or ``late_fee:<number>``."""

    kind: ClassVar[Kind] = Kind.FEE
    id: str
    effective_on: date
    amount: int
    fee: str


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Charges the whole balance off; later money is a recovery."""

    kind: ClassVar[Kind] = Kind.WRITE_OFF
    id: str
    effective_on: date


@dataclass(frozen=True, slots=True)
class Extension:
    """Lengthens a lease: ``months`` more rentals of the same payment, all rent."""

    kind: ClassVar[Kind] = Kind.TERMS
    id: str
    effective_on: date
    months: int


@dataclass(frozen=True, slots=True)
class Return:
    """The leased vehicle is back: no rental of this day or later is billed."""

    kind: ClassVar[Kind] = Kind.TERMS
    id: str
    effective_on: date


Item = Payment | Refund | Fee | Waiver | WriteOff | Extension | Return


class ItemOutsideContract(Exception):
    """An item is effective before the contract starts or after its open day."""

    code = "item_outside_contract"

    def __init__(self, item: Item, *, first: date, last: date) -> None:
        self.item = item
        super().__init__(f"{item.id} is effective {item.effective_on}, not in {first}..{last}")
