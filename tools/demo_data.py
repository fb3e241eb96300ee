"""Write the demo's two files, contracts to board and dated actions, which ``carport up`` replays.

Everybody in them is invented. Run it again after changing the cast below:
``python tools/demo_data.py deploy/allinone/src/carport/allinone/demo_data``.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from carport.accounts.domain import interest, lease, schedule, terms_json
from carport.accounts.domain.terms import due_date
from carport.shared.kernel.days import add_months
from carport.shared.kernel.money import round_half_up

START = date(2024, 11, 1)
END = date(2025, 5, 1)
PASSWORD = "quiet-morning-drive-42"  # noqa: S105 - printed for everybody at start
WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
LETTERS = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)],
                   strict=True))  # fmt: skip
RETAIL_MODELS = [("Sportage", "EX"), ("Sorento", "SX"), ("Telluride", "S"), ("K5", "GT-Line"),
                 ("Seltos", "LX"), ("EV6", "Wind"), ("Carnival", "EX"),
                 ("Forte", "LXS")]  # fmt: skip
PEOPLE = """Maya Brooks|Daniel Ortega|Priya Raman|Thomas O'Neill|Grace Kim|Andre Lewis|Hannah Weiss
Luis Núñez|Sofia Rossi|Ethan Park|Naomi Clarke|Victor Hughes|Leila Haddad|Owen Fischer|Ruth Alvarez
Samuel Young|Ivy Bennett|Marcus Reed|Elena Petrova|Caleb Stone|Jasmine Patel|Noah Whitfield
Aisha Khan|Peter Lindgren|Camila Reyes|Henry Tran|Olivia Marsh|Isaac Boone|Zoe Carter|Felix Moreau
Amara Obi|George Tanner|Mei Chen|Ryan Doyle|Clara Jensen|Nina Alvarado""".replace("\n", "|").split(
    "|"
)
CITIES = [("Plano", "TX", "75024"), ("Austin", "TX", "78701"), ("Tulsa", "OK", "74103"),
          ("Denver", "CO", "80203"), ("Atlanta", "GA", "30303"), ("Phoenix", "AZ", "85004"),
          ("Columbus", "OH", "43215"), ("Raleigh", "NC", "27601")]  # fmt: skip

# How each contract is paid from the day it is boarded; see `payments_of`.
RETAIL = ["current"] * 9 + ["zero_percent", "opened_current", "opened_current"] + [
    "in_grace", "in_grace", "late_one", "late_two", "late_three", "late_payer",
    "ahead", "ahead", "paid_off", "paid_off", "returned", "co_borrower"]  # fmt: skip
LEASES = (
    ["current"] * 5 + ["maturing"] * 3 + ["in_grace", "late_one", "opened_current", "second_car"]
)

NOTES = {
    "zero_percent": "current, 0 %", "opened_current": "current, came from another servicer",
    "in_grace": "due, in grace", "late_one": "one instalment past due",
    "late_two": "two instalments past due", "late_three": "three instalments past due",
    "late_payer": "always pays late", "ahead": "paid ahead", "returned": "a payment was returned",
    "co_borrower": "with a co-borrower", "maturing": "ends within 90 days",
}  # fmt: skip


def vin(rng: random.Random) -> str:
    """A made-up VIN with a valid check digit (49 CFR 565.15)."""
    body = [rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(17)]
    body[:3] = "KND"
    body[11:] = [str(rng.randrange(10)) for _ in range(6)]
    total = sum(w * (LETTERS.get(c) or int(c)) for w, c in zip(WEIGHTS, body, strict=True)
                if c in LETTERS or c.isdigit())  # fmt: skip
    body[8] = "X" if total % 11 == 10 else str(total % 11)
    return "".join(body)


def person(number: int, rng: random.Random, role: str = "primary") -> dict[str, Any]:
    """The customer *number*, who lives at an address that does not exist."""
    first, last = PEOPLE[number % len(PEOPLE)].split(" ", 1)
    city, state, zip_code = CITIES[number % len(CITIES)]
    plain = (first + "." + last).lower().replace("'", "").replace("ú", "u").replace("ñ", "n")
    return {
        "role": role, "customer_number": f"C{70000 + number}",
        "first_name": first, "last_name": last,
        "email": f"{plain}@example.com", "phone": f"+1214555{1000 + number}",
        "birth_date": f"{1960 + number % 40}-{1 + number % 12:02d}-{1 + number % 28:02d}",
        "ssn_last4": f"{rng.randrange(1000, 9999)}",
        "address": {"line1": f"{100 + 7 * number} Sample Street", "city": city, "state": state,
                    "zip": zip_code},
    }  # fmt: skip


def vehicle(model: str, trim: str, year: int, rng: random.Random) -> dict[str, Any]:
    """A car of the sample lender's make."""
    return {"vin": vin(rng), "year": year, "make": "Kia", "model": model, "trim": trim,
            "odometer": rng.randrange(5, 60)}  # fmt: skip


def retail(number: int, way: str, rng: random.Random) -> dict[str, Any]:
    """A retail contract that fits the way it will be paid."""
    opened = way == "opened_current"
    signed = date(2023, 3, 10) if opened else START + timedelta(days=rng.randrange(5, 60))
    first_due = add_months(signed, 1, due_day=1 + rng.randrange(15))
    if way == "in_grace":
        first_due = add_months(signed, 1, due_day=23 + number % 5)
    if number == 0:
        signed, first_due = date(2025, 1, 10), date(2025, 2, 24)
    model, trim = ("Sportage", "EX") if number == 0 else RETAIL_MODELS[number % 8]
    contract: dict[str, Any] = {
        "account_number": "2200417783" if number == 0 else f"22004{20000 + 137 * number:05d}",
        "product": "retail", "contract_date": signed.isoformat(),
        "principal": 3_000_000 if number == 0 else rng.randrange(18_000, 46_000) * 100,
        "annual_rate": "0" if way == "zero_percent" else
                       "0.0649" if number == 0 else f"{rng.randrange(299, 899) / 10000:.4f}",
        "term_months": 60 if number == 0 else rng.choice([36, 48, 60, 72]),
        "first_due_date": first_due.isoformat(), "currency": "USD", "day_count": "actual/365",
        "grace_days": 10, "late_fee": {"kind": "flat", "amount": 2500},
        "allocation": ["interest", "principal", "fees"], "state": "TX",
        "vehicle": vehicle(model, trim, 2023 if opened else 2025, rng),
        "customers": [person(number, rng)],
    }  # fmt: skip
    if way == "co_borrower":
        contract["customers"].append(person(35, rng, "co_borrower"))
    if opened:
        contract["opening"] = retail_opening(contract)
    return contract


def retail_opening(contract: dict[str, Any]) -> dict[str, Any]:
    """Where a contract stands that was paid on every due date until the demo begins."""
    terms = terms_json.parse_terms(only_terms(contract))
    rows = [row for row in schedule.original_schedule(terms) if row.due_date < START]
    last = rows[-1]
    accrued = interest.interest_for(
        last.balance, terms.annual_rate, last.due_date, START, day_count=terms.day_count
    )
    following = due_date(terms, last.number + 1)
    return {"as_of": START.isoformat(), "principal": last.balance,
            "accrued_interest": round_half_up(accrued), "fees": 0,
            "next_due_date": following.isoformat()}  # fmt: skip


def leased(number: int, way: str, rng: random.Random) -> dict[str, Any]:
    """A lease that fits the way it will be paid."""
    opened = way in ("maturing", "opened_current")
    signed = START + timedelta(days=rng.randrange(3, 70))
    if way == "in_grace":
        signed = date(2024, 11, 25)
    if opened:
        signed = date(2022, 5 + number % 3, 18) if way == "maturing" else date(2023, 8, 12)
    cap = rng.randrange(26_000, 40_000) * 100
    model, trim = RETAIL_MODELS[(number + 3) % 8]
    contract: dict[str, Any] = {
        "account_number": f"33001{2000 + 211 * number:05d}", "product": "lease",
        "contract_date": signed.isoformat(), "adjusted_cap_cost": cap,
        "residual": cap * 58 // 100, "money_factor": f"{rng.randrange(120, 260) / 100000:.5f}",
        "term_months": 36, "first_due_date": signed.isoformat(), "currency": "USD",
        "tax": {"rate": "0.0825", "method": "on_payment"},
        "mileage": {"annual_allowance": 12000, "excess_rate": 20, "start": 12},
        "fees": {"disposition": 40000, "purchase_option": 30000}, "security_deposit": 0,
        "grace_days": 10, "late_fee": {"kind": "flat", "amount": 2500},
        "allocation": ["interest", "principal", "fees"], "state": "TX",
        "vehicle": vehicle(model, trim, signed.year, rng),
        "customers": [person(2 if way == "second_car" else 24 + number, rng)],
    }  # fmt: skip
    if opened:
        contract["opening"] = lease_opening(contract)
    return contract


def lease_opening(contract: dict[str, Any]) -> dict[str, Any]:
    """Where a lease stands whose rentals were all paid until the demo begins."""
    terms = terms_json.parse_terms(only_terms(contract))
    billed = sum(due_date(terms, n) < START for n in range(1, terms.term_months + 1))
    balance = lease.balance_table(terms)[billed - 1].balance
    following = due_date(terms, billed + 1)
    return {"as_of": START.isoformat(), "principal": balance, "accrued_interest": 0, "fees": 0,
            "next_due_date": following.isoformat()}  # fmt: skip


def known_from(contract: dict[str, Any]) -> date:
    """The day after boarding: by then every service knows the contract."""
    return max(START, date.fromisoformat(contract["contract_date"])) + timedelta(days=1)


def only_terms(contract: dict[str, Any]) -> dict[str, Any]:
    """The members of a boarding document that are terms."""
    members = terms_json.TERM_MEMBERS[contract["product"]]
    return {name: value for name, value in contract.items() if name in members}


def payments_of(contract: dict[str, Any], way: str) -> Iterator[dict[str, Any]]:
    """The dated actions of one contract, in order."""
    account = contract["account_number"]
    terms = terms_json.parse_terms(only_terms(contract))
    first = known_from(contract)
    dues = [due_date(terms, n) for n in range(1, terms.term_months + 1)]
    dues = [max(first, due) for due in dues if first - timedelta(days=1) <= due < END]
    skipped = {"in_grace": 1, "late_one": 1, "late_two": 2, "late_three": 3}.get(way, 0)
    shift = 13 if way == "late_payer" else 0
    for due in dues[: len(dues) - skipped]:
        on = due + timedelta(days=shift)
        if on < END:
            yield {"on": on.isoformat(), "do": "pay", "account_number": account, "amount": "due"}
    if way == "ahead":
        yield {"on": "2025-04-11", "do": "pay", "account_number": account, "amount": "due_twice"}
    if way == "paid_off":
        yield {"on": "2025-04-15", "do": "pay", "account_number": account, "amount": "payoff"}
    if way == "returned":
        yield {"on": "2025-04-16", "do": "return_last", "account_number": account, "code": "R01"}


def cast() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All contracts, and all actions in the order in which they happen."""
    rng = random.Random(7)  # noqa: S311 - invented people, the same ones every time
    ways = [*RETAIL, *LEASES]
    contracts = [retail(n, way, rng) for n, way in enumerate(RETAIL)]
    contracts += [leased(n, way, rng) for n, way in enumerate(LEASES)]
    known = contracts[2]["customers"][0]
    contracts[-1]["customers"] = [known]
    actions: list[dict[str, Any]] = []
    registered: set[str] = set()
    for contract, way in zip(contracts, ways, strict=True):
        on = known_from(contract).isoformat()
        for who in contract["customers"]:
            if who["email"] not in registered:
                registered.add(who["email"])
                actions.append(register(contract, who, on, way))
        actions += payments_of(contract, way)
    order = {"register": 0, "pay": 1, "return_last": 2}
    return contracts, sorted(actions, key=lambda a: (a["on"], order[a["do"]]))


def register(contract: dict[str, Any], who: dict[str, Any], on: str, way: str) -> dict[str, Any]:
    """The customer registers for the portal on the day the first contract is boarded."""
    note = "two cars" if who["customer_number"] == "C70002" else NOTES.get(way, way)
    note = "co-borrower" if who["role"] == "co_borrower" else note.replace("_", " ")
    return {"on": on, "do": "register", "account_number": contract["account_number"],
            "email": who["email"], "last_name": who["last_name"], "zip": who["address"]["zip"],
            "ssn_last4": who["ssn_last4"], "holder": f"{who['first_name']} {who['last_name']}",
            "password": PASSWORD, "note": f"{contract['product']}, {note}"}  # fmt: skip


def main(folder: Path) -> None:
    """Write both files, one JSON object a line."""
    for name, rows in zip(("contracts", "actions"), cast(), strict=True):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
