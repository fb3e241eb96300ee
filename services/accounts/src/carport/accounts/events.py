"""Builders of everything accounts publishes; each has its contract in ``shared/contracts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from carport.accounts.domain.lease import balance_table
from carport.accounts.domain.state import State, balance, payoff
from carport.accounts.domain.terms import LeaseTerms, RetailTerms, Terms
from carport.accounts.repo.contracts import Contract
from carport.shared.events import Event, make

UNSATISFIED_MAX = 12
PUBLISHES = frozenset(
    f"accounts.{name}.v1"
    for name in (
        "identity_recorded", "account_boarded", "account_changed", "contact_changed",
        "payment_posted", "payment_rejected", "payment_reversed", "payment_due",
        "late_fee_assessed", "late_fee_removed", "paid_off", "reopened",
        "day_ending", "day_opened", "ledger_anchored",
    )
)  # fmt: skip


def _of(name: str, account_id: str, now: datetime, **data: Any) -> Event:
    """An event about a contract."""
    members = {"account_id": account_id, **{key: plain(value) for key, value in data.items()}}
    return make(f"accounts.{name}.v1", subject=account_id, data=members, now=now)


def plain(value: Any) -> Any:
    """A day as text; everything else as it is."""
    return value.isoformat() if isinstance(value, date) else value


def identity_recorded(
    contract: Contract, *, party_id: str, role: str, match_key: str, now: datetime
) -> Event:
    """What auth matches a registration with."""
    return _of(
        "identity_recorded",
        contract.id,
        now,
        account_number=contract.account_number,
        party_id=party_id,
        role=role,
        match_key=match_key,
    )


def account_boarded(
    contract: Contract, *, number_key: str, parties: Sequence[Mapping[str, str]], now: datetime
) -> Event:
    """A contract is here. No personal data."""
    terms = contract.terms
    return _of(
        "account_boarded",
        contract.id,
        now,
        account_number_last4=contract.account_number[-4:],
        account_number_key=number_key,
        product=contract.product,
        contract_date=contract.contract_date,
        maturity_date=contract.maturity_date,
        currency=contract.currency,
        state=contract.state,
        payment=terms.payment,
        term_months=terms.term_months,
        first_due_date=terms.first_due_date,
        due_day=terms.due_day,
        vehicle=contract.vehicle,
        parties=[dict(party) for party in parties],
        lease=_lease_terms(terms) if isinstance(terms, LeaseTerms) else None,
    )


def _lease_terms(terms: LeaseTerms) -> dict[str, Any]:
    """``adjusted_balances[n]`` is the balance when *n* instalments are billed."""
    mileage = terms.mileage
    return {
        "residual": terms.residual,
        "adjusted_cap_cost": terms.adjusted_cap_cost,
        "adjusted_balances": [terms.adjusted_cap_cost, *(r.balance for r in balance_table(terms))],
        "tax": {"rate": format(terms.tax.rate, "f"), "method": terms.tax.method},
        "mileage": {
            "annual_allowance": mileage.annual_allowance if mileage else 0,
            "excess_rate": mileage.excess_rate if mileage else 0,
            "start": mileage.start if mileage else 0,
        },
        "fees": {
            "disposition": terms.fees.disposition,
            "purchase_option": terms.fees.purchase_option,
        },
        "security_deposit": terms.security_deposit,
    }


def account_changed(contract: Contract, state: State, *, now: datetime) -> Event:
    """The full snapshot of *state*; the highest ``version`` counts."""
    terms = contract.terms
    is_active = state.status == "active"
    return _of(
        "account_changed",
        contract.id,
        now,
        version=contract.version,
        product=contract.product,
        status=state.status,
        currency=contract.currency,
        as_of=state.as_of,
        balance=balance(state),
        principal=state.principal,
        accrued_interest=state.interest,
        accrued_as_of=state.as_of,
        accrued_exact=f"{state.accrued}/{state.accrued_scale}",
        annual_rate=format(terms.annual_rate, "f") if isinstance(terms, RetailTerms) else None,
        day_count=terms.day_count,
        fees_due=state.fees_due,
        unapplied=state.unapplied,
        past_due=state.past_due,
        days_past_due=state.days_past_due,
        payoff=payoff(terms, state, on=state.as_of),
        unsatisfied=unsatisfied(state),
        next_due=next_due(state),
        grace_ends_on=state.grace_ends_on,
        paid_to=state.paid_to,
        payments_made=state.payments_made,
        payments_remaining=state.payments_remaining,
        maturity_date=contract.maturity_date,
        flags=[],
        autopay_allowed=is_active,
        lease=_lease_state(terms, state),
    )


def next_due(state: State) -> dict[str, Any] | None:
    """``{amount, date}`` of the next instalment."""
    due = state.next_due
    return None if due is None else {"amount": due.amount, "date": due.date.isoformat()}


def unsatisfied(state: State) -> list[dict[str, Any]]:
    """Instalments due or next that are not paid in full, oldest first."""
    open_ones = (item for item in state.instalments if item.remaining)
    return [
        {"number": item.number, "due_date": item.due_date.isoformat(), "amount": item.remaining}
        for item in islice(open_ones, UNSATISFIED_MAX)
    ]


def _lease_state(terms: Terms, state: State) -> dict[str, Any] | None:
    if not isinstance(terms, LeaseTerms):
        return None
    fixed = _lease_terms(terms)
    return {
        "adjusted_balance": state.lease_balance,
        "rentals_unpaid": state.rentals_due,
        "tax": fixed["tax"],
        "fees": fixed["fees"],
        "residual": terms.residual,
        "mileage": fixed["mileage"],
    }


def contact_changed(party: Mapping[str, Any], account_ids: Sequence[str], now: datetime) -> Event:
    """Where a person is reached. Personal data."""
    names = ("first_name", "last_name", "email", "phone", "language", "address")
    data = {"party_id": party["id"], "account_ids": list(account_ids)}
    data |= {name: party[name] for name in names}
    return make("accounts.contact_changed.v1", subject=party["id"], data=data, now=now)


def payment_posted(
    contract: Contract,
    *,
    payment: Mapping[str, Any],
    allocation: Mapping[str, int],
    balance_after: int,
    booked_on: date,
    now: datetime,
) -> Event:
    """A payment's money is on the account: where it went and what is owed now."""
    return _of(
        "payment_posted",
        contract.id,
        now,
        payment_id=payment["id"],
        amount=payment["amount"],
        currency=contract.currency,
        effective_on=payment["effective_on"],
        booked_on=booked_on,
        allocation=dict(allocation),
        balance_after=balance_after,
        posted_at=now.isoformat().replace("+00:00", "Z"),
    )


def payment_rejected(
    account_id: str, *, payment_id: str, amount: int, code: str, text: str, now: datetime
) -> Event:
    """A payment cannot be posted; nothing was."""
    reason = {"code": code, "text": text}
    return _of(
        "payment_rejected", account_id, now, payment_id=payment_id, amount=amount, reason=reason
    )


def payment_reversed(contract: Contract, *, now: datetime, **data: Any) -> Event:
    """A payment was taken out again, as of its own effective date."""
    return _of("payment_reversed", contract.id, now, **data)


def payment_due(contract: Contract, *, now: datetime, **data: Any) -> Event:
    """An instalment falls due in ``days_ahead`` days."""
    return _of("payment_due", contract.id, now, **data)


def late_fee(contract: Contract, *, is_removed: bool, now: datetime, **data: Any) -> Event:
    """A late fee was assessed, or taken back because a replay found the payment in time."""
    name = "late_fee_removed" if is_removed else "late_fee_assessed"
    return _of(name, contract.id, now, **data)


def status_changed(contract: Contract, status: str, *, on: date, now: datetime) -> Event:
    """The contract is paid off, or open again after it was."""
    if status == "paid_off":
        return _of("paid_off", contract.id, now, paid_off_on=on)
    return _of("reopened", contract.id, now, reopened_on=on)


def day_ending(day: date, next_local_time: time, now: datetime) -> Event:
    """Asks payments and lease to finish their work of *day* and say how much there was."""
    data = {"date": day.isoformat(), "next_local_time": next_local_time.isoformat("minutes")}
    return make("accounts.day_ending.v1", subject=day.isoformat(), data=data, now=now)


def day_opened(day: date, local_time: time, now: datetime) -> Event:
    """The lender's calendar stands on *day*."""
    data = {"date": day.isoformat(), "local_time": local_time.isoformat("minutes")}
    return make("accounts.day_opened.v1", subject=day.isoformat(), data=data, now=now)


def ledger_anchored(day: date, *, contracts: int, sha256: str, now: datetime) -> Event:
    """The state of every hash chain at the close of *day*, for another service to keep."""
    data = {"date": day.isoformat(), "contracts": contracts, "sha256": sha256}
    return make("accounts.ledger_anchored.v1", subject=day.isoformat(), data=data, now=now)
