"""Owns ageing: what is past due, and since when (domain rule 2.8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import takewhile
from typing import NamedTuple


class Instalment(NamedTuple):
    """One instalment: cents to pay, paid so far, the day it was satisfied, its late fee.

    A tuple, because every replay makes all of a contract.
    """

    number: int
    due_date: date
    amount: int
    paid: int = 0
    satisfied_on: date | None = None
    late_fee: int = 0

    @property
    def remaining(self) -> int:
        """Cents still to be paid."""
        return self.amount - self.paid


def past_due(instalments: Iterable[Instalment], *, on: date) -> int:
    """Cents of instalments due before *on* and not paid, fees apart; in order of due dates."""
    return sum(item.remaining for item in takewhile(lambda item: item.due_date < on, instalments))


def days_past_due(instalments: Iterable[Instalment], *, on: date) -> int:
    """Days from the oldest unsatisfied due date to *on*; 0 when nothing is past due.

    The instalments come in order of their due dates.
    """
    for instalment in instalments:
        if instalment.remaining and instalment.due_date < on:
            return (on - instalment.due_date).days
    return 0
