"""Owns journals: balanced by construction, never changed, corrected by their mirror image."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from carport.accounts.domain.chart import ACCOUNTS, Side


class JournalRefused(Exception):
    """A journal that must not exist: a fault of the program, never of a client."""

    code = "journal_refused"


class UnbalancedJournal(JournalRefused):
    """Debits and credits differ."""

    code = "unbalanced_journal"


class UnknownAccount(JournalRefused):
    """An entry names no account of the chart."""

    code = "unknown_account"


class EmptyJournal(JournalRefused):
    """A journal without entries, or an entry without a positive amount."""

    code = "empty_journal"


@dataclass(frozen=True, slots=True)
class Entry:
    """A positive number of cents on one side of an account."""

    account: str
    side: Side
    amount: int

    def __post_init__(self) -> None:
        if self.account not in ACCOUNTS:
            raise UnknownAccount(self.account)
        if self.amount <= 0:
            raise EmptyJournal(f"{self.account}: {self.amount}")

    def mirrored(self) -> Entry:
        """The same cents on the other side."""
        return Entry(self.account, "credit" if self.side == "debit" else "debit", self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Entries that balance, effective and booked on a day, under a reference used only once."""

    reference: str
    effective_on: date
    booked_on: date
    entries: tuple[Entry, ...]
    contract_id: str | None = None
    reverses: str | None = None

    def __post_init__(self) -> None:
        if not self.entries:
            raise EmptyJournal(self.reference)
        total = sum(e.amount if e.side == "debit" else -e.amount for e in self.entries)
        if total:
            raise UnbalancedJournal(f"{self.reference}: debits - credits = {total}")

    @property
    def kind(self) -> str:
        """What the journal is: its reference up to the first colon."""
        return self.reference.partition(":")[0]

    def reversed(self, *, booked_on: date) -> Journal:
        """The mirror image that takes this journal back, effective on the same day."""
        return Journal(
            reference=f"reversal:{self.reference}",
            effective_on=self.effective_on,
            booked_on=booked_on,
            entries=tuple(entry.mirrored() for entry in self.entries),
            contract_id=self.contract_id,
            reverses=self.reference,
        )


def sides(*, debit: dict[str, int], credit: dict[str, int]) -> tuple[Entry, ...]:
    """Entries of cents by account; zeros are left out, a negative amount changes its side."""
    signed = list(debit.items())
    signed += [(code, -amount) for code, amount in credit.items()]
    return tuple(
        Entry(code, "debit" if amount > 0 else "credit", abs(amount))
        for code, amount in signed
        if amount
    )
