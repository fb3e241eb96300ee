"""The public API as a test uses it: staff who board, customers who register and pay, the clock."""

from __future__ import annotations

import copy
import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import httpx2

PASSWORD = "quiet-morning-drive-42"
STAFF = {"user_id": "tests", "password": "calm-harbor-lantern-19",
         "scopes": ["agent", "supervisor", "operator"]}  # fmt: skip
WAIT_S_MAX = 30.0
ATTEMPTS_MAX = 4
T = TypeVar("T")
_numbers = itertools.count(1)

SAMPLE = {
    "account_number": "2200417783", "product": "retail", "contract_date": "2025-01-10",
    "principal": 3_000_000, "annual_rate": "0.0649", "term_months": 60,
    "first_due_date": "2025-02-24", "payment": 58684, "currency": "USD",
    "day_count": "actual/365", "grace_days": 10, "late_fee": {"kind": "flat", "amount": 2500},
    "allocation": ["interest", "principal", "fees"], "state": "TX",
    "vehicle": {"vin": "KNDPM3AC1P7000001", "year": 2025, "make": "Kia", "model": "Sportage",
                "trim": "EX", "odometer": 12},
}  # fmt: skip
SAMPLE_LEASE = {
    "account_number": "3300102939", "product": "lease", "contract_date": "2025-01-01",
    "adjusted_cap_cost": 3_250_000, "residual": 1_885_000, "money_factor": "0.00175",
    "term_months": 36, "first_due_date": "2025-01-01", "currency": "USD",
    "tax": {"rate": "0.0825", "method": "on_payment"},
    "mileage": {"annual_allowance": 10_000, "excess_rate": 20, "start": 12},
    "fees": {"disposition": 40_000, "purchase_option": 30_000}, "security_deposit": 0,
    "grace_days": 10, "late_fee": {"kind": "flat", "amount": 2500},
    "allocation": ["interest", "principal", "fees"], "state": "TX",
    "vehicle": {"vin": "KNDPM3AC1P7000002", "year": 2025, "make": "Kia", "model": "EV6",
                "trim": "Wind", "odometer": 12},
}  # fmt: skip


def person(number: int, role: str = "primary") -> dict[str, Any]:
    return {
        "role": role, "first_name": "Maya", "last_name": "Brooks",
        "email": f"boarded{number}@example.com", "phone": f"+1214555{number % 10000:04d}",
        "birth_date": "1984-05-06", "ssn_last4": f"{number % 10000:04d}",
        "address": {"line1": f"{number} Sample Street", "city": "Plano", "state": "TX",
                    "zip": "75024"},
    }  # fmt: skip


def contract(base: dict[str, Any] = SAMPLE, **changes: Any) -> dict[str, Any]:
    """A boarding document with a number and a customer of its own."""
    number = next(_numbers) + int(uuid.uuid4().int % 10**7) * 100
    document = {**copy.deepcopy(base), "account_number": f"{number:010d}"[-10:],
                "customers": [person(number)]}  # fmt: skip
    return {**document, **changes}


def eventually(look: Callable[[], T], what: str = "", *, within_s: float = WAIT_S_MAX) -> T:
    """The first truthy answer of *look*."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:.0f} s: {what or look}")
        time.sleep(0.01)


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


class Api:
    """One caller of the public API; *token* says who."""

    def __init__(self, url: str, token: str = "", transport: httpx2.BaseTransport | None = None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url, self.token, self.transport = url, token, transport
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False,
                                  transport=transport)  # fmt: skip

    def __del__(self):
        self.http.close()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.http.get(path, params=params or None)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def send(self, method: str, path: str, body: Any = None, *, idempotent: bool = True) -> Any:
        answer = self.http.request(method, path, json=body, headers=key() if idempotent else {})
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any = None) -> Any:
        return self.send("POST", path, body)

    def as_user(self, token: str) -> Api:
        return Api(self.url, token, self.transport)

    def log_in(self, user_id: str, password: str = PASSWORD) -> Api:
        body = {"grant": "password", "user_id": user_id, "password": password}
        return self.as_user(self.send("POST", "/v1/auth/tokens", body)["access_token"])

    def staff(self) -> Api:
        self.send("POST", "/v1/sandbox/staff", STAFF, idempotent=False)
        return self.log_in(STAFF["user_id"], STAFF["password"])

    def board(self, document: dict[str, Any]) -> dict[str, Any]:
        return self.post("/v1/staff/accounts", document)

    def mails(self, to: str) -> list[dict[str, Any]]:
        return self.get("/v1/sandbox/mailbox", to=to)["data"]

    def ask_to_register(self, document: dict[str, Any], email: str, **changes: Any) -> None:
        who = document["customers"][0]
        terms = self.get("/v1/auth/terms")["version"]
        body = {"account_number": document["account_number"], "last_name": who["last_name"],
                "zip": who["address"]["zip"], "ssn_last4": who["ssn_last4"], "email": email,
                "password": PASSWORD, "terms_version": terms}  # fmt: skip
        self.post("/v1/auth/registrations", {**body, **changes})

    def link_from_mail(self, to: str, part: str) -> str:
        def newest() -> str | None:
            links = [link for mail in self.mails(to) for link in mail["links"] if part in link]
            return links[0] if links else None

        return eventually(newest, f"a mail to {to} with a link to {part}")

    def register(self, document: dict[str, Any], email: str) -> Api:
        """Through the mailed link to a logged-in customer.

        A contract boarded this instant may not be known to auth yet: then the mail says that
        nothing matched, and the customer tries again.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            self.ask_to_register(document, email)
            mails = eventually(lambda n=attempt: self.has_mails(email, n), f"mail to {email}")
            links = [link for mail in mails for link in mail["links"] if "/verify?token=" in link]
            if links:
                self.post("/v1/auth/email-verifications", {"token": links[0].split("token=")[1]})
                return self.log_in(email)
        raise AssertionError(f"{email} was never matched")

    def has_mails(self, to: str, number: int) -> list[dict[str, Any]]:
        found = self.mails(to)
        return found if len(found) >= number else []

    def add_bank_account(self) -> str:
        body = {"type": "bank_account", "routing_number": "021000021",
                "account_number": "4000123456", "account_type": "checking",
                "holder_name": "Maya Brooks"}  # fmt: skip
        return self.post("/v1/payment-methods", body)["id"]

    def pay(self, account_id: str, method_id: str, amount: int, **more: Any) -> dict[str, Any]:
        body = {"account_id": account_id, "amount": amount, "currency": "USD",
                "payment_method_id": method_id, **more}  # fmt: skip
        return self.post("/v1/payments", body)

    def until(self, payment_id: str, *states: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.get(f"/v1/payments/{payment_id}")
            return found if found["state"] in states else None

        return eventually(look, f"payment {payment_id} to be {states}")

    def today(self) -> str:
        return self.get("/v1/sandbox/clock")["business_date"]

    def move_to(self, day: str, *, within_s: float = 120) -> None:
        self.send("PUT", "/v1/sandbox/clock", {"business_date": day}, idempotent=False)
        eventually(lambda: self.today() == day, f"business date {day}", within_s=within_s)
