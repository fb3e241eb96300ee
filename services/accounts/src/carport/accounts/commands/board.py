"""Boarding: a contract comes onto the books with its people and, if it is old, its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.rebook import rebook_one
from carport.accounts.domain import bookings
from carport.accounts.domain.apr import contract_apr
from carport.accounts.domain.lease import payment_parts
from carport.accounts.domain.schedule import original_schedule, total_interest
from carport.accounts.domain.terms import TERM_MEMBERS, LeaseTerms, Terms, maturity
from carport.accounts.domain.terms_json import parse_terms
from carport.accounts.domain.terms_rules import TermsRefused
from carport.accounts.repo import contracts, parties
from carport.accounts.repo.contracts import Contract
from carport.shared import business_day, outbox
from carport.shared.db import settings
from carport.shared.errors import Conflict, Invalid
from carport.shared.kernel.identity import account_number_key, match_key
from carport.shared.kernel.ids import new_id
from carport.shared.sealed import decode

DAY = timedelta(days=1)
CODES = {
    "missing": "required",
    "unknown_member": "unknown_field",
    "impossible_date": "invalid_date",
}
TERMS = frozenset().union(*TERM_MEMBERS.values())


def calculate(document: Mapping[str, Any]) -> dict[str, Any]:
    """What boarding *document* would answer; only its terms are looked at and nothing is kept.

    Raises Invalid with a pointer for each member at fault.
    """
    return {"id": None, **answer(terms_of(document))}


def board(tx: sa.Connection, document: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Put the contract in *document* (members checked by the edge) on the books.

    A past ``contract_date`` without ``opening`` books the whole history, with the late fees its
    closes would have assessed. Raises Invalid with pointers, Conflict for a known account number.
    """
    terms = terms_of(document)
    # Locked, not held: one boarding at a time, so that no account number or person comes in twice.
    today = business_day.lock(tx).date
    refuse_future(terms, today)
    check_people(document["customers"], terms)
    if contracts.is_taken(tx, document["account_number"]):
        raise Conflict(
            "account_exists",
            "An account with this number is on the books already. Nothing was changed.",
        )
    contract = new_contract(document, terms, today=today, now=now)
    contracts.insert(tx, contract)
    joined = [join(tx, contract, person, now) for person in document["customers"]]
    announce(tx, contract, joined, now)
    opening = bookings.boarding(terms, contract_id=contract.id, booked_on=today)
    rebook_one(tx, contract, now=now, facts=[opening])
    return {"id": contract.id, **answer(terms)}


def terms_of(document: Mapping[str, Any]) -> Terms:
    """The terms in *document*. Raises Invalid."""
    try:
        return parse_terms({name: document[name] for name in document if name in TERMS})
    except TermsRefused as refused:
        flaws = [
            {
                "pointer": problem.pointer,
                "code": CODES.get(problem.code, problem.code),
                "detail": problem.message,
            }
            for problem in refused.problems
        ]
        first = flaws[0]
        detail = f"{first['pointer']}: {first['detail']}. Nothing was boarded."
        raise Invalid(first["code"], detail, errors=flaws) from None


def refuse_future(terms: Terms, today: date) -> None:
    """Raises Invalid for a contract, or an opening, that is not of the past or today."""
    for pointer, day in (("/contract_date", terms.contract_date),
                         ("/opening/as_of", terms.starts_on)):  # fmt: skip
        if day > today:
            detail = f"{pointer}: {day} is after the business date {today}. Nothing was boarded."
            raise Invalid("invalid_date", detail, pointer)


def check_people(people: Sequence[Mapping[str, Any]], terms: Terms) -> None:
    """Raises Invalid unless there is exactly one primary customer, nobody twice, all born."""
    for n, person in enumerate(people):
        if person["birth_date"] >= terms.contract_date:
            detail = f"/customers/{n}/birth_date: nobody signs a contract before being born."
            raise Invalid("invalid_date", detail, f"/customers/{n}/birth_date")
    primaries = [n for n, person in enumerate(people) if person["role"] == "primary"]
    if len(primaries) != 1:
        pointer = f"/customers/{primaries[1]}/role" if primaries else "/customers"
        raise Invalid("invalid_value", "A contract has exactly one primary customer.", pointer)
    numbers = [p["customer_number"] for p in people if p.get("customer_number")]
    if len(numbers) != len(set(numbers)):
        raise Invalid("invalid_value", "The same customer is listed twice.", "/customers")


def new_contract(
    document: Mapping[str, Any], terms: Terms, *, today: date, now: datetime
) -> Contract:
    """The contract before anything is booked."""
    return Contract(
        id=new_id(now),
        account_number=document["account_number"],
        product=terms.product,
        status="active",
        currency=terms.currency,
        state=document["state"],
        terms=terms,
        vehicle=dict(document["vehicle"]),
        contract_date=terms.contract_date,
        maturity_date=maturity(terms),
        closed_through=today - DAY,
        next_action_on=None,
        version=0,
        boarded_at=now,
    )


def join(
    tx: sa.Connection, contract: Contract, person: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Put *person* on the contract as the party they are; what the events need of them."""
    party_id, is_new = parties.find_or_add(tx, person, now)
    if not parties.join(tx, contract.id, party_id, person["role"]):
        raise Invalid("invalid_value", "The same customer is listed twice.", "/customers")
    key = match_key(
        parties.identity_key(tx),
        last_name=person["last_name"],
        zip_code=person["address"]["zip"],
        ssn_last4=person["ssn_last4"],
    )
    return {"party_id": party_id, "role": person["role"], "match_key": key, "is_new": is_new}


def announce(
    tx: sa.Connection, contract: Contract, joined: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Publish the contract, how its people are matched, and where they are reached."""
    key = decode(settings(tx).keys["account_number"])
    outbox.add(tx, events.account_boarded(
        contract,
        number_key=account_number_key(key, contract.account_number),
        parties=[{"party_id": one["party_id"], "role": one["role"]} for one in joined],
        now=now,
    ))  # fmt: skip
    for one in joined:
        wanted = {name: one[name] for name in ("party_id", "role", "match_key")}
        outbox.add(tx, events.identity_recorded(contract, **wanted, now=now))
        party = parties.get(tx, one["party_id"])
        if party is not None:
            mine = contracts.of_party(tx, party["id"])
            outbox.add(tx, events.contact_changed(party, mine, now))


def answer(terms: Terms) -> dict[str, Any]:
    """The figures of a contract as its terms make them."""
    rows = original_schedule(terms)
    figures: dict[str, Any] = {"payment": terms.payment, "final_payment": rows[-1].payment}
    if isinstance(terms, LeaseTerms):
        parts = asdict(payment_parts(terms))
        shown = ("depreciation", "rent", "base", "tax")
        figures["payment_parts"] = {name: parts[name] for name in shown}
        figures["total_rent"] = total_interest(rows)
        return {**figures, "schedule": [row._asdict() for row in rows]}
    figures["apr"] = format(contract_apr(terms), "f")
    figures["total_interest"] = total_interest(rows)
    schedule = [{k: v for k, v in row._asdict().items() if k != "tax"} for row in rows]
    return {**figures, "schedule": schedule}
