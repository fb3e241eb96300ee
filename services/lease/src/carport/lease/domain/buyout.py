"""What buying the vehicle costs (domain rule 2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from carport.lease.domain.lease import Standing, Terms
from carport.shared.kernel.money import round_half_up

UNTAXED = frozenset({"none"})
"""Tax methods of a lease under which buying the vehicle is not taxed either. Buying is a sale of
its own: tax paid on the rentals, or on the full price at the start, does not cover it."""


@dataclass(frozen=True)
class Buyout:
    """*amount* = price + purchase option fee + unpaid + tax, in cents; a credit makes *unpaid*
    negative. Title and registration are the state's and not in it."""

    basis: Literal["adjusted_balance", "residual"]
    price: int
    purchase_option_fee: int
    unpaid: int
    tax: int

    @property
    def amount(self) -> int:
        """What closes the lease, cents."""
        return self.price + self.purchase_option_fee + self.unpaid + self.tax


def buyout(terms: Terms, standing: Standing) -> Buyout | None:
    """The figure of that day: the residual from the maturity date on, the adjusted lease balance
    before. None when the lease is closed."""
    if not standing.is_open:
        return None
    is_mature = standing.days_to_maturity <= 0
    price = terms.residual if is_mature else standing.adjusted_balance
    return Buyout(
        basis="residual" if is_mature else "adjusted_balance",
        price=price,
        purchase_option_fee=terms.purchase_option_fee,
        unpaid=standing.unpaid,
        tax=purchase_tax(terms, price + terms.purchase_option_fee),
    )


def purchase_tax(terms: Terms, taxable: int) -> int:
    """Tax on *taxable* cents: the price and the purchase option fee, not what is unpaid, whose
    tax was billed with it."""
    if terms.tax_method in UNTAXED:
        return 0
    return round_half_up(taxable * Fraction(terms.tax_rate))
