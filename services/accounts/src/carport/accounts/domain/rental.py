"""Owns the replay of a lease: rentals billed at the opening of their due dates, and who paid them.

A payment goes to the oldest rental, then to fees; the rest stays unapplied for the next rental,
which takes it on its own due date as a further allocation of that payment (decision 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial

from carport.accounts.domain.delinquency import Instalment
from carport.accounts.domain.derivation import Allocation, Charge, Derivation
from carport.accounts.domain.engine import Engine, Event, closes
from carport.accounts.domain.items import Extension, Item, Kind, Payment, Quote, Return, WriteOff
from carport.accounts.domain.lease import balance_table
from carport.accounts.domain.state import State, Status, stand
from carport.accounts.domain.terms import LeaseTerms, due_dates, maturity


class LeaseEngine(Engine):
    """The running figures of a lease; ``billed`` counts rentals this ledger billed."""

    def __init__(self, terms: LeaseTerms, *, closed_through: date) -> None:
        super().__init__(terms, closed_through=closed_through)
        self.terms = terms
        self.table = balance_table(terms)
        self.first = terms.first_number
        self.extension = 0
        self.lease_balance = terms.adjusted_cap_cost
        if terms.opening:
            self.lease_balance = terms.opening.principal
        self.billed = 0
        self.given = 0
        self.cancelled = 0
        self.ended: Status | None = None
        self.satisfied: list[date] = []

    @property
    def last(self) -> int:
        """Number of the last rental of the term and its extensions."""
        return self.terms.term_months + self.extension

    @property
    def rentals_due(self) -> int:
        """Cents billed and not paid."""
        return self.billed * self.terms.payment - self.given - self.cancelled

    def run(self, items: Iterable[Item]) -> Derivation:
        known = tuple(items)
        self.extension = sum(item.months for item in known if isinstance(item, Extension))
        return super().run(known)

    def due_dates(self) -> Iterator[tuple[int, date]]:
        dates = due_dates(self.terms.first_due_date, self.terms.due_day, self.last)
        return enumerate(dates[self.first - 1 :], start=self.first)

    def derived_events(self) -> Iterator[Event]:
        yield from super().derived_events()
        for number, due in self.due_dates():
            if due > self.open_day:
                return
            yield due, Kind.RENTAL, "", partial(self._bill, number, due)

    def bills_nothing_more(self) -> bool:
        return self.ended is not None or self.first + self.billed > self.last

    def missed(self, number: int, *, grace_end: date) -> int:
        """A payment short only because it also paid fees is in time (16 CFR 444.4: no pyramid)."""
        position = number - self.first + 1
        missing = position * self.terms.payment - self.given
        if position > self.billed or missing <= self.fees.paid or self.rentals_due == 0:
            return 0
        return min(missing, self.terms.payment)

    def change_terms(self, item: Extension | Return) -> None:
        """Extensions are counted before the run; a return stops the rentals."""
        if isinstance(item, Return) and self.ended is None:
            self.ended = "returned"
            gone, self.lease_balance = self.lease_balance, 0
            self.charges.append(
                Charge(
                    kind="return", key=item.id, effective_on=item.effective_on, lease_balance=gone
                )
            )

    def pay(self, payment: Payment) -> None:
        available = self.pool.restore(payment.amount)
        if self.written_off is not None:
            self.recover(payment, available)
            return
        if payment.quote and closes(payment) and self.ended is None:
            self._buy_out(payment, payment.quote, available)
            return
        rental = min(available, self.rentals_due)
        fees = self.fees.pay(available - rental)
        self._credit(rental, payment.effective_on)
        self.pool.hold(payment.id, available - rental - fees)
        self.allocations.append(
            Allocation(
                payment_id=payment.id,
                effective_on=payment.effective_on,
                rental=rental,
                fees=fees,
                unapplied=payment.amount - rental - fees,
            )
        )

    def write_off(self, item: WriteOff) -> None:
        gone = self._clear(Charge(kind="write_off", key=item.id, effective_on=item.effective_on))
        self.written_off = gone.rental + gone.fees + gone.lease_balance
        self.ended = "charged_off"
        if self.written_off:
            self.charges.append(gone)

    def finish(self) -> Derivation:
        state = State(
            as_of=self.open_day,
            status=self.ended or "active",
            fees_due=self.fees.due,
            unapplied=self.pool.balance,
            given=self.given,
            maturity=maturity(self.terms, extension_months=self.extension),
            instalments=tuple(self._instalments()),
            lease_balance=self.lease_balance,
            rentals_billed=self.first - 1 + self.billed,
            rentals_due=self.rentals_due,
        )
        return Derivation(
            tuple(self.allocations), tuple(self.charges), stand(self.terms, state), spans=()
        )

    def _bill(self, number: int, due: date) -> None:
        """Bill a rental and let money that waits for it pay it at once."""
        if self.ended is not None:
            return
        rent, depreciation = self.terms.base, 0
        if number <= self.terms.term_months:
            row = self.table[number - 1]
            rent, depreciation = row.rent, row.depreciation
        self.billed += 1
        self.lease_balance -= depreciation
        self.charges.append(
            Charge(
                kind="rental",
                key=str(number),
                effective_on=due,
                rental=self.terms.payment,
                rent=rent,
                lease_balance=depreciation,
                tax=self.terms.rental_tax,
            )
        )
        for payment_id, used in self.pool.take(self.terms.payment):
            self._credit(used, due)
            self.allocations.append(
                Allocation(
                    payment_id=payment_id,
                    effective_on=due,
                    part=f"rental.{number}",
                    rental=used,
                    unapplied=-used,
                )
            )

    def _credit(self, rental: int, on: date) -> None:
        self.given += rental
        payment = self.terms.payment
        while len(self.satisfied) < self.billed and self.given >= (
            (len(self.satisfied) + 1) * payment
        ):
            self.satisfied.append(on)

    def _buy_out(self, payment: Payment, quote: Quote, available: int) -> None:
        """Honour a buyout or early-termination quote: everything owed, then the vehicle."""
        self._spend_pool(payment)
        rental = min(available, self.rentals_due)
        rest = available - rental
        fees = self.fees.pay(rest)
        income = min(rest - fees, quote.fees)
        tax = min(rest - fees - income, quote.tax)
        proceeds = min(rest - fees - income - tax, self.lease_balance)
        spare = rest - fees - income - tax - proceeds
        self._credit(rental, payment.effective_on)
        self.lease_balance -= proceeds
        self.pool.hold(payment.id, spare)
        self.allocations.append(
            Allocation(
                payment_id=payment.id,
                effective_on=payment.effective_on,
                rental=rental,
                fees=fees,
                fee_income=income,
                tax=tax,
                lease_balance=proceeds,
                unapplied=payment.amount - rental - fees - income - tax - proceeds,
            )
        )
        self.ended = "paid_off"
        self._bear_difference(payment)

    def _spend_pool(self, payment: Payment) -> None:
        """What waits for the next rental pays fees, then part of the vehicle: none will come."""
        for payment_id, held in self.pool.take(self.fees.due + self.lease_balance):
            fees = self.fees.pay(held)
            self.lease_balance -= held - fees
            self.allocations.append(
                Allocation(
                    payment_id=payment_id,
                    effective_on=payment.effective_on,
                    part=f"buyout.{payment.id}",
                    fees=fees,
                    lease_balance=held - fees,
                    unapplied=-held,
                )
            )

    def _bear_difference(self, payment: Payment) -> None:
        """What an honoured quote leaves unpaid is the lender's."""
        blank = Charge(kind="quote_variance", key=payment.id, effective_on=payment.effective_on)
        variance = self._clear(blank)
        if variance.rental or variance.fees or variance.lease_balance:
            self.charges.append(variance)

    def _clear(self, charge: Charge) -> Charge:
        """Take all that is owed off the books as *charge*."""
        rental, balance = self.rentals_due, self.lease_balance
        self.cancelled += rental
        self.lease_balance = 0
        return replace(charge, rental=rental, fees=self.fees.clear(), lease_balance=balance)

    def _instalments(self) -> Iterator[Instalment]:
        """Rentals billed, then those to come with the money that already waits for them."""
        waiting, payment = self.pool.total, self.terms.payment
        for number, due in self.due_dates():
            index, late_fee = number - self.first, self.late_fees.get(number, 0)
            if index < len(self.satisfied):
                on = self.satisfied[index]
                yield Instalment(number, due, payment, payment, on, late_fee)
            elif self.ended in ("paid_off", "charged_off"):
                return
            elif index < self.billed:
                paid = max(0, self.given - index * payment)
                yield Instalment(number, due, payment, paid, None, late_fee)
            elif self.ended is None:
                paid = min(waiting, payment)
                waiting -= paid
                yield Instalment(number, due, payment, paid)
