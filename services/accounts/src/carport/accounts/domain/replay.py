"""Owns re-deriving a contract from its items: the same facts give the same cents, whatever the
order in which they arrived. A reversed item is simply left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.interest import Segment, explain
from carport.accounts.domain.items import Item
from carport.accounts.domain.rental import LeaseEngine
from carport.accounts.domain.retail import RetailEngine
from carport.accounts.domain.terms import LeaseTerms, RetailTerms, Terms

PARTS = (
    "interest", "principal", "fees", "rental", "lease_balance", "fee_income", "tax", "recovery",
    "unapplied",
)  # fmt: skip


def derive(terms: Terms, items: Iterable[Item], *, closed_through: date) -> Derivation:
    """Everything that follows from *items*, as of the opening of ``closed_through`` + 1.

    Late fees are those of the closes up to *closed_through*, rentals those due up to the open
    day. Raises ItemOutsideContract.
    """
    if isinstance(terms, LeaseTerms):
        return LeaseEngine(terms, closed_through=closed_through).run(items)
    return RetailEngine(terms, closed_through=closed_through).run(items)


def allocation_of(derivation: Derivation, payment_id: str) -> dict[str, int]:
    """Where a payment's cents are now, later uses of its unapplied rest included."""
    mine = [a for a in derivation.allocations if a.payment_id == payment_id]
    return {part: sum(getattr(a, part) for a in mine) for part in PARTS}


def timeline(terms: RetailTerms, derivation: Derivation) -> tuple[Segment, ...]:
    """Every stretch of days with the balance that bore interest: days x balance x rate."""
    return tuple(
        segment
        for span in derivation.spans
        for segment in explain(span, terms.annual_rate, day_count=terms.day_count)
    )
