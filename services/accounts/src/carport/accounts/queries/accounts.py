"""What a customer is shown of a contract: where it stands, its schedule, what a payment does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.payments import shown_allocation
from carport.accounts.domain.derivation import Derivation
from carport.accounts.domain.items import Payment
from carport.accounts.domain.replay import allocation_of, derive
from carport.accounts.domain.schedule import ScheduleRow, current_schedule, original_schedule
from carport.accounts.domain.state import State, balance, payoff
from carport.accounts.domain.terms import RetailTerms, Terms
from carport.accounts.repo import contracts, items
from carport.accounts.repo.contracts import Contract
from carport.shared.errors import Invalid, NotFound

DAY = timedelta(days=1)
PREVIEW_DAYS_MAX = 90
MASK = "••••"


def get(tx: sa.Connection, account_id: str) -> Contract:
    """The contract. Raises NotFound."""
    found = contracts.find(tx, account_id)
    if found is None:
        raise NotFound
    return found


def derived(tx: sa.Connection, contract: Contract) -> Derivation:
    """Where the contract stands on its open day and how it got there."""
    standing = items.standing(tx, contract.id, through=contract.open_day)
    return derive(contract.terms, standing, closed_through=contract.closed_through)


def listed(tx: sa.Connection, account_ids: Iterable[str], party_id: str | None) -> dict[str, Any]:
    """``{data, next_cursor}``: all accounts of a caller, the oldest first."""
    found = contracts.many(tx, account_ids)
    roles = contracts.roles(tx, [one.id for one in found], party_id or "")
    shown = [account(one, derived(tx, one).state, roles.get(one.id)) for one in found]
    return {"data": shown, "next_cursor": None}


def one(tx: sa.Connection, account_id: str, party_id: str | None) -> dict[str, Any]:
    """One account of a caller. Raises NotFound."""
    contract = get(tx, account_id)
    role = contracts.roles(tx, [contract.id], party_id or "").get(contract.id)
    return account(contract, derived(tx, contract).state, role)


def account(contract: Contract, state: State, role: str | None) -> dict[str, Any]:
    """A contract in the words of the API; amounts in cents as of ``as_of``."""
    terms = contract.terms
    is_loan = isinstance(terms, RetailTerms)
    vehicle = {name: contract.vehicle[name] for name in ("year", "make", "model", "trim")}
    return {
        "id": contract.id,
        "account_number": MASK + contract.account_number[-4:],
        "product": contract.product,
        "status": state.status,
        "vehicle": {**vehicle, "vin_last6": contract.vehicle["vin"][-6:]},
        "currency": contract.currency,
        "balance": balance(state),
        "principal": state.principal,
        "accrued_interest": state.interest,
        "per_diem": str(state.per_diem) if is_loan else None,
        "past_due": state.past_due,
        "days_past_due": state.days_past_due,
        "fees": state.fees_due,
        "unapplied": state.unapplied,
        "payment": terms.payment,
        "annual_rate": format(terms.annual_rate, "f") if isinstance(terms, RetailTerms) else None,
        "next_due": events.next_due(state),
        "grace": {"days": terms.grace_days, "ends_on": state.grace_ends_on},
        "payments_made": state.payments_made,
        "payments_remaining": state.payments_remaining,
        "maturity_date": contract.maturity_date,
        "payoff": payoff(terms, state, on=state.as_of),
        "paperless": False,
        "autopay": False,
        "role": role,
        "as_of": state.as_of,
        "version": contract.version,
    }


def schedule(tx: sa.Connection, account_id: str) -> dict[str, Any]:
    """The schedule as contracted, and as it stands: ``{original, current}``."""
    contract = get(tx, account_id)
    original = original_schedule(contract.terms)
    state = derived(tx, contract).state
    current = as_it_stands(contract.terms, state, original)
    return {"original": [row(line) for line in original], "current": current}


def row(line: ScheduleRow) -> dict[str, Any]:
    """One row; ``tax`` only where there is some."""
    return {name: value for name, value in line._asdict().items() if name != "tax" or value}


def as_it_stands(
    terms: Terms, state: State, original: Sequence[ScheduleRow]
) -> list[dict[str, Any]]:
    """What was paid as it was agreed, then what is still to be paid as it will come."""
    paid = {item.number for item in state.instalments if item.satisfied_on is not None}
    shown = [{**row(line), "status": "paid"} for line in original if line.number in paid]
    ahead = current_schedule(terms, state) if state.status == "active" else ()
    next_number = next((line.number for line in ahead if line.due_date >= state.as_of), None)
    for line in ahead:
        status = "past_due" if line.due_date < state.as_of else "future"
        shown.append({**row(line), "status": "due" if line.number == next_number else status})
    return shown


def preview(
    tx: sa.Connection,
    account_id: str,
    *,
    amount: int,
    effective_date: date | None,
    extra: str | None,
    payment_id: str,
) -> dict[str, Any]:
    """Where a payment would go and the interest it saves against paying as scheduled.

    Raises NotFound, Invalid for a date that payments would not take either.
    """
    contract = get(tx, account_id)
    terms, today = contract.terms, contract.open_day
    on = effective_date or today
    if not today <= on <= today + timedelta(days=PREVIEW_DAYS_MAX):
        last = today + timedelta(days=PREVIEW_DAYS_MAX)
        raise Invalid("invalid_date", f"Choose a day from {today} to {last}.", "/effective_date")
    if extra == "principal" and contract.product == "lease":
        detail = "A lease has no principal to prepay; leave extra out."
        raise Invalid("invalid_value", detail, "/extra")
    standing = items.standing(tx, contract.id, through=today)
    payment = Payment(id=payment_id, effective_on=on, amount=amount, extra=extra)  # type: ignore[arg-type]
    without = derive(terms, standing, closed_through=on - DAY)
    paid = derive(terms, [*standing, payment], closed_through=on - DAY)
    saved = 0
    if isinstance(terms, RetailTerms):
        saved = max(0, lifetime_interest(terms, without) - lifetime_interest(terms, paid))
    return {
        "allocation": shown_allocation(allocation_of(paid, payment_id)),
        "balance_after": balance(paid.state),
        "interest_saved": saved,
    }


def lifetime_interest(terms: RetailTerms, derivation: Derivation) -> int:
    """Interest paid so far and still to come when everything is paid as it falls due."""
    state = derivation.state
    ahead = current_schedule(terms, state) if state.principal else ()
    return state.interest_credited + sum(line.interest for line in ahead)
