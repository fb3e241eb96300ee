"""Owns the journals of a contract: facts booked once, and what a replay derives, by difference.

Facts are boarding, receipts, refunds and accruals. Allocations, late fees, rentals and the like
are derived: at most one journal of a key is live, and only what comes out different is booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from carport.accounts.domain.derivation import Allocation, Charge, Derivation
from carport.accounts.domain.items import Payment, Refund
from carport.accounts.domain.journal import Entry, Journal, sides
from carport.accounts.domain.state import State, interest_at
from carport.accounts.domain.terms import LeaseTerms, Terms


@dataclass(frozen=True, slots=True)
class Posting:
    """A derived journal before it has a revision: its business key, day and entries."""

    key: str
    effective_on: date
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """A derived journal as stored and not reversed; its reference is ``<key>:<revision>``."""

    reference: str
    effective_on: date
    entries: tuple[Entry, ...]

    @property
    def key(self) -> str:
        """The business key under which a replay derives it again."""
        return self.reference.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Changes:
    """What to book so that the ledger says what the derivation says: reversals first."""

    reversals: tuple[Journal, ...]
    bookings: tuple[Journal, ...]


def boarding(terms: Terms, *, contract_id: str, booked_on: date) -> Journal:
    """The contract comes onto the books: ``boarding:<contract>``, effective when it starts."""
    opening = terms.opening
    if isinstance(terms, LeaseTerms):
        account, financed = "lease_balance", terms.adjusted_cap_cost
    else:
        account, financed = "principal", terms.principal
    deposit = terms.security_deposit if isinstance(terms, LeaseTerms) else 0
    interest = opening.accrued_interest if opening else 0
    fees = opening.fees if opening else 0
    financed = opening.principal if opening else financed
    return Journal(
        reference=f"boarding:{contract_id}",
        effective_on=terms.starts_on,
        booked_on=booked_on,
        contract_id=contract_id,
        entries=sides(
            debit={account: financed, "interest_receivable": interest, "fees_receivable": fees},
            credit={
                "security_deposit": deposit,
                "funding": financed + interest + fees - deposit,
            },
        ),
    )


def receipt(
    payment: Payment, *, contract_id: str, booked_on: date, source: str = "cash_clearing"
) -> Journal:
    """Money is here, or granted (*source* ``goodwill``): ``payment:<id>``, once for ever."""
    return Journal(
        reference=f"payment:{payment.id}",
        effective_on=payment.effective_on,
        booked_on=booked_on,
        contract_id=contract_id,
        entries=sides(debit={source: payment.amount}, credit={"unapplied": payment.amount}),
    )


def refund(item: Refund, *, contract_id: str, booked_on: date) -> Journal:
    """Unapplied money goes back to the customer: ``refund:<id>``."""
    return Journal(
        reference=f"refund:{item.id}",
        effective_on=item.effective_on,
        booked_on=booked_on,
        contract_id=contract_id,
        entries=sides(debit={"unapplied": item.amount}, credit={"cash_clearing": item.amount}),
    )


def interest_earned(terms: Terms, state: State, *, on: date) -> int:
    """Cents of interest this lender earned up to the opening of *on* (decision 8)."""
    brought = terms.opening.accrued_interest if terms.opening else 0
    return state.interest_credited + interest_at(terms, state, on=on) - brought


def accrual(
    *, contract_id: str, on: date, earned: int, booked: int, number: int = 1
) -> Journal | None:
    """Income of interest *earned* less income *booked* so far; None when there is none.

    A difference below zero takes income back. Never reversed: what a replay changes is in the
    next one. *number* counts the accruals of one contract on one day.
    """
    if earned == booked:
        return None
    amount = earned - booked
    return Journal(
        reference=f"accrual:{contract_id}:{on}:{number}",
        effective_on=on,
        booked_on=on,
        contract_id=contract_id,
        entries=sides(debit={"interest_receivable": amount}, credit={"interest_income": amount}),
    )


def postings(derivation: Derivation, *, contract_id: str) -> tuple[Posting, ...]:
    """Every journal that follows from *derivation*, charges before allocations."""
    charges = (_charge(charge, contract_id) for charge in derivation.charges)
    moved = (_allocation(a) for a in derivation.allocations if a.applied)
    return (*charges, *moved)


def changes(
    live: Iterable[Live],
    wanted: Iterable[Posting],
    *,
    revisions: Mapping[str, int],
    contract_id: str,
    booked_on: date,
) -> Changes:
    """Reversals of what no longer holds and bookings of what is new or different.

    *revisions* is the highest revision ever used of a key.
    """
    missing = {posting.key: posting for posting in wanted}
    reversals = []
    for stored in live:
        same = missing.get(stored.key)
        if same and (same.effective_on, same.entries) == (stored.effective_on, stored.entries):
            del missing[stored.key]
        else:
            reversals.append(_stored(stored, contract_id, booked_on).reversed(booked_on=booked_on))
    bookings = (
        Journal(
            reference=f"{posting.key}:{revisions.get(posting.key, 0) + 1}",
            effective_on=posting.effective_on,
            booked_on=booked_on,
            contract_id=contract_id,
            entries=posting.entries,
        )
        for posting in missing.values()
    )
    return Changes(tuple(reversals), tuple(bookings))


def _stored(stored: Live, contract_id: str, booked_on: date) -> Journal:
    return Journal(
        reference=stored.reference,
        effective_on=stored.effective_on,
        booked_on=booked_on,
        contract_id=contract_id,
        entries=stored.entries,
    )


def _allocation(allocation: Allocation) -> Posting:
    part = f".{allocation.part}" if allocation.part else ""
    return Posting(
        f"allocation:{allocation.payment_id}{part}",
        allocation.effective_on,
        sides(
            debit={"unapplied": allocation.applied},
            credit={
                "interest_receivable": allocation.interest,
                "principal": allocation.principal,
                "fees_receivable": allocation.fees,
                "rental_receivable": allocation.rental,
                "lease_balance": allocation.lease_balance,
                "fee_income": allocation.fee_income,
                "tax_payable": allocation.tax,
                "recovery_income": allocation.recovery,
            },
        ),
    )


_LOSS = {"write_off": "charge_off_loss", "quote_variance": "quote_variance"}


def _charge(charge: Charge, contract_id: str) -> Posting:
    of_contract = charge.kind in ("late_fee", "rental")
    owner = f"{contract_id}:{charge.key}" if of_contract else charge.key
    return Posting(f"{charge.kind}:{owner}", charge.effective_on, _charge_entries(charge))


def _charge_entries(charge: Charge) -> tuple[Entry, ...]:
    match charge.kind:
        case "late_fee" | "fee":
            return sides(debit={"fees_receivable": charge.fees}, credit={"fee_income": charge.fees})
        case "waiver":
            return sides(
                debit={"fee_waivers": charge.fees}, credit={"fees_receivable": charge.fees}
            )
        case "rental":
            return sides(
                debit={"rental_receivable": charge.rental},
                credit={
                    "lease_balance": charge.lease_balance,
                    "rent_income": charge.rent,
                    "tax_payable": charge.tax,
                },
            )
        case "return":
            return sides(
                debit={"returned_vehicles": charge.lease_balance},
                credit={"lease_balance": charge.lease_balance},
            )
    owed = {
        "interest_receivable": charge.interest,
        "principal": charge.principal,
        "fees_receivable": charge.fees,
        "rental_receivable": charge.rental,
        "lease_balance": charge.lease_balance,
    }
    return sides(debit={_LOSS[charge.kind]: sum(owed.values())}, credit=owed)
