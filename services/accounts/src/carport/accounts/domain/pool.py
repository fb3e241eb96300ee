"""Owns unapplied money: which payment it came from, and what was taken that is not there."""

from __future__ import annotations


class Pool:
    """Unapplied cents of one replay, oldest payment first.

    ``missing`` is money already refunded whose payment was taken back later: the next payment
    restores it first.
    """

    __slots__ = ("_held", "missing", "total")

    def __init__(self) -> None:
        self._held: list[tuple[str, int]] = []
        self.total = 0
        self.missing = 0

    @property
    def balance(self) -> int:
        """Unapplied cents; negative only while refunded money is missing."""
        return self.total - self.missing

    def restore(self, amount: int) -> int:
        """Make up what is missing out of *amount* cents; the cents that remain."""
        restored = min(self.missing, amount)
        self.missing -= restored
        return amount - restored

    def hold(self, payment_id: str, amount: int) -> None:
        """Keep *amount* cents of a payment for later."""
        if amount:
            self._held.append((payment_id, amount))
            self.total += amount

    def take(self, amount: int) -> list[tuple[str, int]]:
        """Up to *amount* cents, oldest first, as (payment, cents)."""
        taken: list[tuple[str, int]] = []
        while amount and self._held:
            payment_id, held = self._held[0]
            used = min(held, amount)
            self._held[0] = (payment_id, held - used)
            if used == held:
                self._held.pop(0)
            amount -= used
            self.total -= used
            taken.append((payment_id, used))
        return taken

    def refund(self, amount: int) -> None:
        """Send *amount* cents back; what is not there is missing."""
        self.missing += amount - sum(used for _, used in self.take(amount))
