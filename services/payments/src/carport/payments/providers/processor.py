"""What payments needs of a card processor, whichever it is.

Every request carries an idempotency key, so that asking again after a lost answer is harmless, and
a deadline, so that an answer that does not come is an answer too: ``NoAnswer``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Card:
    """What may be shown of a card."""

    brand: str
    last4: str
    funding: str  # debit | credit


@dataclass(frozen=True, slots=True)
class Captured:
    """Money taken, as the processor says."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Declined:
    """A definite no; no money moved."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Voided:
    """A capture taken back in full."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing within the deadline: done or not, nobody knows yet."""


Answer = Captured | Declined | Voided | NoAnswer


class Processor(Protocol):
    """Calls may take up to *deadline_s* and never raise for what the processor says."""

    def card(self, token: str) -> Card | None:
        """The card behind *token*; None for a token it never gave out."""

    def capture(
        self, key: str, *, token: str, amount: int, currency: str, deadline_s: float
    ) -> Answer:
        """Take *amount* cents, once per *key*."""

    def status(self, key: str, *, deadline_s: float) -> Answer | None:
        """What became of *key*; None when the processor never heard of it."""

    def void(self, key: str, *, of: str, deadline_s: float) -> Answer:
        """Give back the capture made under key *of*, once."""
