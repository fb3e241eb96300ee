"""Contracts and payments the domain tests share: the sample loan of the guide and lease L1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Item, Payment
from carport.accounts.domain.replay import derive
from carport.accounts.domain.terms import LeaseTerms, RetailTerms
from carport.accounts.domain.terms_json import parse_terms

RETAIL: Mapping[str, object] = {
    "product": "retail",
    "contract_date": "2025-01-10",
    "principal": 3_000_000,
    "annual_rate": "0.0649",
    "term_months": 60,
    "first_due_date": "2025-02-24",
    "grace_days": 10,
    "late_fee": {"kind": "flat", "amount": 2500},
}
LEASE: Mapping[str, object] = {
    "product": "lease",
    "contract_date": "2023-03-01",
    "adjusted_cap_cost": 3_250_000,
    "residual": 1_885_000,
    "money_factor": "0.00175",
    "term_months": 36,
    "first_due_date": "2023-03-01",
    "grace_days": 10,
    "late_fee": {"kind": "flat", "amount": 2500},
    "tax": {"rate": "0.0825", "method": "on_payment"},
    "mileage": {"annual_allowance": 10_000, "excess_rate": 20, "start": 12},
    "fees": {"disposition": 40_000, "purchase_option": 30_000},
}


def loan(**changes: object) -> RetailTerms:
    """The sample contract: 30,000.00 at 6.49 %, 60 x 586.84, due on the 24th."""
    terms = parse_terms({**RETAIL, **changes})
    assert isinstance(terms, RetailTerms)
    return terms


def lease(**changes: object) -> LeaseTerms:
    """L1: 32,500.00 down to 18,850.00 in 36 months, 507.72 a month with tax."""
    terms = parse_terms({**LEASE, **changes})
    assert isinstance(terms, LeaseTerms)
    return terms


def day(text: str) -> date:
    """``02-24`` of 2025, or a whole ISO date."""
    return date.fromisoformat(text if len(text) > 5 else f"2025-{text}")


def paid(on: str, amount: int = 58_684, *, name: str = "", **more: object) -> Payment:
    """A payment on *on*, one instalment of the sample contract by default."""
    return Payment(id=name or f"p-{on}", effective_on=day(on), amount=amount, **more)


def opened(terms: RetailTerms | LeaseTerms, open_day: str, *items: Item) -> Derivation:
    """*terms* with *items*, seen on the day *open_day* while it is open."""
    return derive(terms, items, closed_through=date.fromordinal(day(open_day).toordinal() - 1))
