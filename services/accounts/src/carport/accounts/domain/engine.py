"""Owns the run of a replay: facts and derived events in one total order, fees and unapplied money.

What differs between a loan and a lease is in `retail` and `rental`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from operator import itemgetter
from typing import Final

from carport.accounts.domain.derivation import Allocation, Charge, Derivation
from carport.accounts.domain.fees import FeeBook, late_fee_amount
from carport.accounts.domain.items import (
    Extension,
    Fee,
    Item,
    ItemOutsideContract,
    Kind,
    Payment,
    Refund,
    Return,
    Waiver,
    WriteOff,
)
from carport.accounts.domain.pool import Pool
from carport.accounts.domain.terms import CommonTerms

BEFORE_ALL: Final = -1
"""Place in a day of the test whether grace has passed: before anything of that day."""

Event = tuple[date, int, str, Callable[[], None]]


class Engine(ABC):
    """The running figures every contract has."""

    def __init__(self, terms: CommonTerms, *, closed_through: date) -> None:
        self.contract = terms
        self.closed_through = closed_through
        self.open_day = closed_through + timedelta(days=1)
        self.fees = FeeBook()
        self.pool = Pool()
        self.allocations: list[Allocation] = []
        self.charges: list[Charge] = []
        self.late_fees: dict[int, int] = {}
        self.written_off: int | None = None
        if terms.opening and terms.opening.fees:
            self.fees.add("opening", terms.opening.fees)

    @abstractmethod
    def pay(self, payment: Payment) -> None:
        """Allocate a payment."""

    @abstractmethod
    def write_off(self, item: WriteOff) -> None:
        """Charge everything off."""

    @abstractmethod
    def due_dates(self) -> Iterator[tuple[int, date]]:
        """Number and due date of the instalments this ledger collects, in order."""

    @abstractmethod
    def missed(self, number: int, *, grace_end: date) -> int:
        """Cents missing of instalment *number* at the end of its grace; 0 when in time."""

    @abstractmethod
    def bills_nothing_more(self) -> bool:
        """Whether no instalment waits for unapplied money."""

    @abstractmethod
    def finish(self) -> Derivation:
        """Everything derived, as of the opening of the open day."""

    def derived_events(self) -> Iterator[Event]:
        """Late-fee tests of the closes so far, each with its fee in the order of that day."""
        rule, first = self.contract.late_fee, self.contract.starts_on
        if rule is None:
            return
        grace = timedelta(days=self.contract.grace_days)
        day = timedelta(days=1)
        for number, due in self.due_dates():
            fee_day = due + grace + day
            if fee_day > self.closed_through:
                return
            if fee_day >= first:
                yield fee_day, BEFORE_ALL, "", partial(self._test, number, due + grace)
                yield fee_day, Kind.FEE, "", partial(self._assess, number, fee_day)

    def run(self, items: Iterable[Item]) -> Derivation:
        """Apply *items* and everything derived in the total order of the contract."""
        events = [self._event(item) for item in items]
        events.extend(self.derived_events())
        events.sort(key=itemgetter(0, 1, 2))
        for *_, apply in events:
            apply()
        return self.finish()

    def _event(self, item: Item) -> Event:
        first = self.contract.starts_on
        if not first <= item.effective_on <= self.open_day:
            raise ItemOutsideContract(item, first=first, last=self.open_day)
        return item.effective_on, item.kind, item.id, partial(self._apply, item)

    def _apply(self, item: Item) -> None:
        match item:
            case Payment():
                self.pay(item)
            case Fee():
                self._charge_fee(_fee(item))
            case Waiver():
                self._waive(item)
            case Refund():
                self.pool.refund(item.amount)
            case WriteOff():
                self.write_off(item)
            case Extension() | Return():
                self.change_terms(item)

    def change_terms(self, item: Extension | Return) -> None:
        """A change only leases have; a loan refuses it."""
        raise TypeError(f"{type(item).__name__} changes no such contract")

    def _test(self, number: int, grace_end: date) -> None:
        """Decide at the end of grace; payments of the fee's own day come too late."""
        missing = self.missed(number, grace_end=grace_end)
        if missing > 0 and self.contract.late_fee:
            self.late_fees[number] = late_fee_amount(self.contract.late_fee, missing)

    def _assess(self, number: int, on: date) -> None:
        amount = self.late_fees.get(number)
        if amount:
            key = str(number)
            self._charge_fee(Charge(kind="late_fee", key=key, effective_on=on, fees=amount))

    def _charge_fee(self, charge: Charge) -> None:
        """Add a fee; money left over after the last instalment pays it at once."""
        self.charges.append(charge)
        key = f"late_fee:{charge.key}" if charge.kind == "late_fee" else charge.key
        self.fees.add(key, charge.fees)
        if self.pool.total and self.bills_nothing_more():
            for payment_id, used in self.pool.take(charge.fees):
                self.fees.pay(used)
                self.allocations.append(
                    Allocation(
                        payment_id=payment_id,
                        effective_on=charge.effective_on,
                        part=f"fee.{key.replace(':', '.')}",
                        fees=used,
                        unapplied=-used,
                    )
                )

    def _waive(self, item: Waiver) -> None:
        forgiven = self.fees.waive(item.fee, item.amount)
        if forgiven:
            self.charges.append(
                Charge(kind="waiver", key=item.id, effective_on=item.effective_on, fees=forgiven)
            )

    def recover(self, payment: Payment, available: int) -> None:
        """Money after a write-off: a recovery up to what was written off, then fees since."""
        recovery = min(available, self.written_off or 0)
        self.written_off = (self.written_off or 0) - recovery
        fees = self.fees.pay(available - recovery)
        self.pool.hold(payment.id, available - recovery - fees)
        self.allocations.append(
            Allocation(
                payment_id=payment.id,
                effective_on=payment.effective_on,
                fees=fees,
                recovery=recovery,
                unapplied=payment.amount - recovery - fees,
            )
        )


def _fee(item: Fee) -> Charge:
    return Charge(kind="fee", key=item.id, effective_on=item.effective_on, fees=item.amount)


def closes(payment: Payment) -> bool:
    """Whether the payment honours a quote: at least the amount quoted for its day (decision 12)."""
    return payment.quote is not None and payment.amount >= payment.quote.amount
