"""The people, cars and numbers of the fake gateway: the sample contracts of the domain guide."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

TODAY = "2025-05-01"
NOW = "2025-05-01T16:03:12Z"
LATER = "2025-05-01T16:03:13Z"
LOAN, LEASE, LATE, GRACE, PAID_OFF, CREDIT, QUIET = range(1, 8)
PAYMENT = 58684


def identifier(number: int) -> str:
    return f"01968c5a-0000-7000-8000-{number:012d}"


def account(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "id": identifier(number),
        "account_number": f"••••77{number:02d}",
        "product": "retail",
        "status": "active",
        "vehicle": {
            "year": 2025,
            "make": "Kia",
            "model": "Sportage",
            "trim": "EX",
            "vin_last6": "104417",
        },
        "currency": "USD",
        "balance": 2882401,
        "principal": 2878818,
        "accrued_interest": 3583,
        "per_diem": "5.1188",
        "past_due": 0,
        "days_past_due": 0,
        "fees": 0,
        "unapplied": 0,
        "payment": PAYMENT,
        "annual_rate": "0.0649",
        "next_due": {"amount": PAYMENT, "date": "2025-05-24"},
        "grace": {"days": 10, "ends_on": "2025-06-03"},
        "payments_made": 3,
        "payments_remaining": 57,
        "maturity_date": "2030-01-24",
        "payoff": 2882401,
        "paperless": False,
        "autopay": False,
        "role": "primary",
        "as_of": TODAY,
        "version": 7,
    }
    return base | changes


def accounts() -> list[dict[str, Any]]:
    """One of each kind of standing."""
    late = {"past_due": PAYMENT, "next_due": {"amount": PAYMENT, "date": "2025-05-24"}}
    lease_vehicle = {
        "year": 2023,
        "make": "Kia",
        "model": "Telluride",
        "trim": "SX",
        "vin_last6": "220981",
    }
    return [
        account(LOAN),
        account(
            LEASE,
            product="lease",
            vehicle=lease_vehicle,
            balance=50772,
            principal=0,
            accrued_interest=0,
            per_diem=None,
            annual_rate=None,
            payment=50772,
            next_due={"amount": 50772, "date": "2025-05-05"},
            grace={"days": 10, "ends_on": "2025-05-15"},
            payments_made=26,
            payments_remaining=10,
            maturity_date="2026-03-01",
            role="co_borrower",
        ),
        account(
            LATE,
            **late,
            days_past_due=37,
            fees=2500,
            balance=2905023,
            grace={"days": 10, "ends_on": "2025-04-04"},
        ),
        account(GRACE, **late, days_past_due=7, grace={"days": 10, "ends_on": "2025-05-04"}),
        account(
            PAID_OFF,
            status="paid_off",
            balance=0,
            principal=0,
            accrued_interest=0,
            per_diem="0.0000",
            next_due=None,
            payments_made=60,
            payments_remaining=0,
        ),
        account(
            CREDIT,
            status="paid_off",
            balance=-12550,
            principal=0,
            accrued_interest=0,
            unapplied=12550,
            next_due=None,
            grace={"days": 10, "ends_on": None},
        ),
        account(QUIET, next_due=None, payments_made=0, grace={"days": 0, "ends_on": None}),
    ]


def allocation(amount: int) -> dict[str, int]:
    interest = min(amount, 15356)
    return {
        "interest": interest,
        "principal": amount - interest,
        "fees": 0,
        "rental": 0,
        "tax": 0,
        "unapplied": 0,
    }


def transactions() -> list[dict[str, Any]]:
    rows = [
        ("payment", PAYMENT, "2025-04-24", 16103, 2878818),
        ("payment_reversal", -PAYMENT, "2025-04-02", 14763, 2979000),
        ("late_fee", -2500, "2025-04-05", 0, 2921399),
        ("payment", PAYMENT, "2025-03-24", 14763, 2921399),
        ("payment", PAYMENT, "2025-02-24", 24004, 2965320),
    ]
    found = [_transaction(n, *row) for n, row in enumerate(rows)]
    older = [_transaction(10 + n, "payment", 100 + n, "2025-01-20", 50, 2990000) for n in range(12)]
    boarding = _transaction(50, "boarding", -3000000, "2025-01-10", 0, 3000000)
    return [*found, *older, boarding]


def _transaction(
    n: int, kind: str, amount: int, day: str, interest: int, balance: int
) -> dict[str, Any]:
    parts = {
        "interest": interest,
        "principal": abs(amount) - interest,
        "fees": 0,
        "rental": 0,
        "tax": 0,
        "unapplied": 0,
    }
    return {
        "id": identifier(200 + n),
        "type": kind,
        "amount": amount,
        "effective_on": day,
        "booked_on": day,
        "allocation": parts if kind.startswith("payment") else None,
        "balance_after": balance,
        "payment_id": identifier(300 + n) if kind == "payment" else None,
        "reverses": None,
        "reversed_by": identifier(201) if n == 3 else None,
        "description": "",
    }


def schedule() -> dict[str, Any]:
    rows, balance, due = [], 3000000, date(2025, 2, 24)
    for number in range(1, 61):
        interest = round(balance * 0.0649 / 12)
        principal = min(PAYMENT - interest, balance)
        balance = balance - principal if number < 60 else 0
        status = "paid" if number < 4 else "due" if number == 4 else "future"
        rows.append(
            {
                "number": number,
                "due_date": due.isoformat(),
                "payment": interest + principal,
                "interest": interest,
                "principal": principal,
                "balance": balance,
                "status": status,
            }
        )
        due = (due.replace(day=1) + timedelta(days=32)).replace(day=24)
    original = [{name: row[name] for name in row if name != "status"} for row in rows]
    return {"original": original, "current": rows}
