"""Owns late fees (domain rule 2.7) and which fees of a contract are unpaid."""

from __future__ import annotations

from decimal import Decimal

from carport.accounts.domain.terms import LateFee
from carport.shared.kernel.money import round_half_up

BASIS_POINTS = 10_000


def late_fee_amount(rule: LateFee, unpaid: int) -> int:
    """Cents of the fee for an instalment of which *unpaid* cents are missing."""
    percent = round_half_up(Decimal(unpaid * rule.basis_points) / BASIS_POINTS)
    amount = {
        "flat": rule.amount,
        "percent": percent,
        "greater_of": max(rule.amount, percent),
        "lesser_of": min(rule.amount, percent),
    }[rule.kind]
    if rule.minimum is not None:
        amount = max(amount, rule.minimum)
    return amount if rule.maximum is None else min(amount, rule.maximum)


class FeeBook:
    """The unpaid fees of one replay, oldest first."""

    __slots__ = ("_unpaid", "due", "paid")

    def __init__(self) -> None:
        self._unpaid: dict[str, int] = {}
        self.due = 0
        self.paid = 0

    def add(self, key: str, amount: int) -> None:
        """A fee of *amount* cents falls due."""
        self._unpaid[key] = amount
        self.due += amount

    def pay(self, amount: int) -> int:
        """Pay up to *amount* cents, oldest fee first; the cents used."""
        used = min(amount, self.due)
        self.paid += used
        self._take(used)
        return used

    def waive(self, key: str, amount: int) -> int:
        """Forgive up to *amount* cents of what is unpaid of the fee *key*; the cents forgiven."""
        forgiven = min(amount, self._unpaid.get(key, 0))
        if forgiven:
            self._unpaid[key] -= forgiven
            self.due -= forgiven
        return forgiven

    def clear(self) -> int:
        """Take all that is unpaid off the book without paying it; its cents."""
        gone = self.due
        self._take(gone)
        return gone

    def _take(self, amount: int) -> None:
        self.due -= amount
        for key, unpaid in list(self._unpaid.items()):
            if amount < unpaid:
                self._unpaid[key] = unpaid - amount
                return
            amount -= unpaid
            del self._unpaid[key]
