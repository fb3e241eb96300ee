"""Owns the replay of a loan: where every cent of its payments goes, and what interest it owes.

Decision 9: the principal *due* of a payment is what the instalments due to its date ask for,
less what payments gave so far and less the interest accrued now; the rest follows ``extra``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from carport.accounts.domain import interest, schedule
from carport.accounts.domain.delinquency import Instalment
from carport.accounts.domain.derivation import Allocation, Charge, Derivation
from carport.accounts.domain.engine import Engine, closes
from carport.accounts.domain.interest import Span
from carport.accounts.domain.items import Payment, WriteOff
from carport.accounts.domain.state import State, Status, stand
from carport.accounts.domain.terms import RetailTerms, due_dates, maturity


class RetailEngine(Engine):
    """The running figures of a loan; ``accrued`` is a numerator as of ``on``."""

    def __init__(self, terms: RetailTerms, *, closed_through: date) -> None:
        super().__init__(terms, closed_through=closed_through)
        opening = terms.opening
        self.terms = terms
        self.dates = due_dates(terms.first_due_date, terms.due_day, terms.term_months)
        self.first = terms.first_number
        self.scale = interest.scale(terms.day_count)
        self.rate = interest.rate_units(terms.annual_rate)
        self.weight = interest.day_weight(terms.day_count)
        self.principal = opening.principal if opening else terms.principal
        self.accrued = opening.accrued_interest * self.scale if opening else 0
        self.on = terms.starts_on
        self.given = (self.first - 1) * terms.payment
        self.interest_credited = 0
        self.satisfied: list[date] = []
        self.spans: list[Span] = []

    def due_dates(self) -> Iterator[tuple[int, date]]:
        return enumerate(self.dates[self.first - 1 :], start=self.first)

    def bills_nothing_more(self) -> bool:
        return self.principal == 0

    def missed(self, number: int, *, grace_end: date) -> int:
        """A payment short only because it also paid fees is in time (16 CFR 444.4: no pyramid)."""
        earned = self._earned(grace_end)
        open_cents = self.principal + earned
        if number < self.terms.term_months:
            open_cents = min(open_cents, number * self.terms.payment - self.given)
        if open_cents <= self.fees.paid or self.written_off is not None:
            return 0
        return min(open_cents, self.terms.payment)

    def pay(self, payment: Payment) -> None:
        on = payment.effective_on
        available = self.pool.restore(payment.amount)
        if self.written_off is not None:
            self.recover(payment, available)
            return
        earned = self._accrue(on)
        asked = self.principal if closes(payment) else self._principal_due(on, earned)
        taken, principal, fees = self._waterfall(available, earned, asked)
        rest = available - taken - principal - fees
        extra = min(rest, self.principal - principal)
        counts = (payment.extra or self.terms.extra) == "next_due"
        self._credit(taken, principal + extra)
        self.given += taken + principal + (extra if counts else 0)
        self.pool.hold(payment.id, rest - extra)
        self.allocations.append(
            Allocation(
                payment_id=payment.id,
                effective_on=on,
                interest=taken,
                principal=principal + extra,
                fees=fees,
                unapplied=payment.amount - taken - principal - extra - fees,
            )
        )
        if closes(payment):
            self._bear_difference(payment)
        self._satisfy(on)

    def write_off(self, item: WriteOff) -> None:
        self._accrue(item.effective_on)
        gone = self._clear(Charge(kind="write_off", key=item.id, effective_on=item.effective_on))
        self.written_off = gone.interest + gone.principal + gone.fees
        if self.written_off:
            self.charges.append(gone)

    def finish(self) -> Derivation:
        self._accrue(self.open_day)
        state = State(
            as_of=self.open_day,
            status=self._status(),
            fees_due=self.fees.due,
            unapplied=self.pool.balance,
            given=self.given,
            maturity=maturity(self.terms),
            instalments=(*self._paid(), *self._ahead()),
            principal=self.principal,
            accrued=self.accrued,
            accrued_scale=self.scale,
            interest_credited=self.interest_credited,
        )
        allocations, charges = tuple(self.allocations), tuple(self.charges)
        return Derivation(allocations, charges, stand(self.terms, state), tuple(self.spans))

    def _earned(self, on: date) -> int:
        days = self.weight(on) - self.weight(self.on)
        return interest.rounded(self.accrued + self.principal * self.rate * days, self.scale)

    def _accrue(self, on: date) -> int:
        """Bring interest to *on*; its unpaid cents."""
        if on > self.on:
            if self.principal:
                days = self.weight(on) - self.weight(self.on)
                self.accrued += self.principal * self.rate * days
                self.spans.append(Span(self.on, on, self.principal))
            self.on = on
        return interest.rounded(self.accrued, self.scale)

    def _principal_due(self, on: date, earned: int) -> int:
        """After the last due date all of it is due."""
        if on >= self.dates[-1]:
            return self.principal
        first = self.terms.first_due_date
        months = (on.year - first.year) * 12 + on.month - first.month
        reached = months + (self.dates[months] <= on) if months >= 0 else 0
        asked = reached * self.terms.payment - self.given - earned
        return min(self.principal, max(0, asked))

    def _waterfall(self, available: int, earned: int, asked: int) -> tuple[int, int, int]:
        """Interest, principal due and fees that *available* pays, in the contract's order."""
        taken = principal = fees = 0
        for bucket in self.terms.allocation:
            if bucket == "interest":
                taken = min(available, earned)
                available -= taken
            elif bucket == "principal":
                principal = min(available, asked)
                available -= principal
            else:
                fees = self.fees.pay(available)
                available -= fees
        return taken, principal, fees

    def _credit(self, taken: int, principal: int) -> None:
        self.accrued = interest.left(self.accrued, taken, scale=self.scale)
        self.interest_credited += taken
        self.principal -= principal

    def _clear(self, charge: Charge) -> Charge:
        """Take all that is owed off the books as *charge*."""
        earned, principal, fees = self._earned(self.on), self.principal, self.fees.clear()
        self._credit(earned, principal)
        return replace(charge, interest=earned, principal=principal, fees=fees)

    def _bear_difference(self, payment: Payment) -> None:
        """What an honoured quote leaves unpaid is the lender's; too much stays the customer's."""
        blank = Charge(kind="quote_variance", key=payment.id, effective_on=payment.effective_on)
        variance = self._clear(blank)
        if variance.interest or variance.principal or variance.fees:
            self.charges.append(variance)

    def _is_clear(self) -> bool:
        return self.principal == 0 and interest.rounded(self.accrued, self.scale) == 0

    def _satisfy(self, on: date) -> None:
        """Note which instalments reached their amount on *on*; the last one pays what is left."""
        payment, last = self.terms.payment, self.terms.term_months
        number = self.first + len(self.satisfied)
        while number < last and self.given >= number * payment:
            self.satisfied.append(on)
            number += 1
        if number <= last and self._is_clear() and self.given > (number - 1) * payment:
            self.satisfied.append(on)

    def _status(self) -> Status:
        if self.written_off is not None:
            return "charged_off"
        return "paid_off" if self._is_clear() and not self.fees.due else "active"

    def _paid(self) -> Iterator[Instalment]:
        """Instalments as they were paid."""
        payment, last = self.terms.payment, self.terms.term_months
        for number, on in enumerate(self.satisfied, start=self.first):
            paid = self.given - (number - 1) * payment
            paid = paid if number == last else min(paid, payment)
            due = self.dates[number - 1]
            yield Instalment(number, due, paid, paid, on, self.late_fees.get(number, 0))

    def _ahead(self) -> list[Instalment]:
        """The others as they are still to be paid."""
        if self.written_off is not None or self._is_clear():
            return []
        given, payment, late_fees = self.given, self.terms.payment, self.late_fees
        return [
            Instalment(number, due, paid + owed, paid, None, late_fees.get(number, 0))
            for number, due, owed, *_ in schedule.to_pay(self.terms, self._position())
            for paid in (max(0, given - (number - 1) * payment),)
        ]

    def _position(self) -> schedule.Position:
        return schedule.Position(self.on, self.principal, self.accrued, self.given, self.first)
