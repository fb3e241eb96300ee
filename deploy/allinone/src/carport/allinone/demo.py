"""The demo lender: contracts and dated actions replayed through the public API and the clock.

Every line has an Idempotency-Key of its own (the hash of the line), so a start after an
interrupted one goes on where that one stopped and ends the same.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import Any

import httpx2

LAST_DAY = date(2025, 5, 1)
STAFF = (
    {"user_id": "agent", "password": "calm-harbor-lantern-17", "scopes": ["agent"]},
    {"user_id": "supervisor", "password": "calm-harbor-lantern-18",
     "scopes": ["agent", "supervisor", "operator"]},
)  # fmt: skip
BANK = {"type": "bank_account", "routing_number": "021000021", "account_type": "checking"}
WAIT_S_MAX = 30.0
POLL_S = 0.02
Progress = Callable[[str, float], None]


class DemoFailed(Exception):
    """A line of the demo was refused; the message names it and the answer."""

    code = "demo_failed"


@dataclass
class Customer:
    """Somebody who has registered: how to act for them."""

    token: str
    method_id: str
    password: str
    email: str
    note: str
    accounts: list[str] = field(default_factory=list)


class Loader:
    """Replays the demo against the public API at *http*."""

    def __init__(self, http: httpx2.Client, progress: Progress) -> None:
        self._http = http
        self._progress = progress
        self._staff = ""
        self._accounts: dict[str, str] = {}
        self._owner: dict[str, str] = {}
        self._customers: dict[str, Customer] = {}
        self._today = date.min

    def is_complete(self) -> bool:
        """Whether the demo has been loaded to its end."""
        return self._http.get("/v1/sandbox/demo").status_code == 200

    def run(self) -> None:
        """Board, register, pay and let time pass, from the first line to the last."""
        for member in STAFF:
            self._send("POST", "/v1/sandbox/staff", member)
        self._staff = self._log_in(STAFF[1]["user_id"], STAFF[1]["password"])
        self._today = date.fromisoformat(self._get("/v1/sandbox/clock")["business_date"])
        first = self._today
        for line in script():
            day = date.fromisoformat(line["on"])
            if day > self._today:
                done = (day - first) / (LAST_DAY - first)
                self._progress(f"business day {day}", done)
                self._move_to(day)
            getattr(self, f"_{line['do']}")(line)
        self._progress(f"business day {LAST_DAY}", 1.0)
        self._move_to(LAST_DAY)
        self._publish_credentials()

    def _board(self, line: dict[str, Any]) -> None:
        contract = line["contract"]
        answer = self._send("POST", "/v1/staff/accounts", contract, token=self._staff, line=line)
        self._accounts[contract["account_number"]] = answer["id"]
        for person in contract["customers"]:
            if person["role"] == "primary":
                self._owner[contract["account_number"]] = person["email"]

    def _register(self, line: dict[str, Any]) -> None:
        email, password = line["email"], line["password"]
        self._wait_for(lambda: self._may_log_in(line), f"{email} to be registered")
        token = self._log_in(email, password)
        bank = BANK | {"account_number": str(4_000_000_000 + int(line["ssn_last4"])),
                       "holder_name": line["holder"]}  # fmt: skip
        method = self._send("POST", "/v1/payment-methods", bank, token=token, line=line)
        self._customers[email] = Customer(token, method["id"], password, email, line["note"])

    def _may_log_in(self, line: dict[str, Any]) -> bool:
        """One step towards a registered customer; False while a message is on its way."""
        email = line["email"]
        credentials = {"grant": "password", "user_id": email, "password": line["password"]}
        if self._http.post("/v1/auth/tokens", json=credentials).status_code == 200:
            return True
        mails = self._mails(email)
        links = [link for mail in mails for link in mail["links"] if "/verify?token=" in link]
        if links:
            token = links[0].split("token=")[1]
            self._http.post("/v1/auth/email-verifications", json={"token": token})
        else:
            self._ask_to_register(line)
            self._wait_for(lambda: len(self._mails(email)) > len(mails), f"mail to {email}")
        return False

    def _ask_to_register(self, line: dict[str, Any]) -> None:
        members = ("account_number", "last_name", "zip", "ssn_last4", "email", "password")
        terms = self._get("/v1/auth/terms")["version"]
        wanted = {name: line[name] for name in members}
        self._send("POST", "/v1/auth/registrations", {**wanted, "terms_version": terms})

    def _mails(self, email: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(f"/v1/sandbox/mailbox?to={email}")["data"]
        return found

    def _pay(self, line: dict[str, Any]) -> None:
        account_id = self._accounts[line["account_number"]]
        customer = self._customers[self._owner[line["account_number"]]]
        account = self._see(customer, account_id)
        amounts = {"due": account["payment"], "due_twice": 2 * account["payment"],
                   "payoff": account["payoff"]}  # fmt: skip
        order = {"account_id": account_id, "amount": amounts[line["amount"]], "currency": "USD",
                 "payment_method_id": customer.method_id}  # fmt: skip
        self._send("POST", "/v1/payments", order, token=customer.token, line=line)

    def _see(self, customer: Customer, account_id: str) -> dict[str, Any]:
        """The account as its owner sees it; logs in again when a link is newer than the token."""
        path = f"/v1/accounts/{account_id}"
        answer = self._http.get(path, headers=bearer(customer.token))
        if answer.status_code != 200:
            customer.token = self._log_in(customer.email, customer.password)
        return self._get(path, token=customer.token)

    def _return_last(self, line: dict[str, Any]) -> None:
        account_id = self._accounts[line["account_number"]]
        customer = self._customers[self._owner[line["account_number"]]]
        payments = self._get("/v1/payments", token=customer.token)["data"]
        last = next(p for p in payments if p["account_id"] == account_id)
        body = {"payment_id": last["id"], "code": line["code"]}
        self._send("POST", "/v1/sandbox/bank/returns", body)

    def _move_to(self, day: date) -> None:
        if day <= self._today:
            return
        self._send("PUT", "/v1/sandbox/clock", {"business_date": day.isoformat()})
        wanted = day.isoformat()
        self._wait_for(
            lambda: self._get("/v1/sandbox/clock")["business_date"] == wanted, f"day {wanted}"
        )
        self._today = day

    def _publish_credentials(self) -> None:
        for contract in read("contracts"):
            for person in contract["customers"]:
                account_id = self._accounts[contract["account_number"]]
                self._customers[person["email"]].accounts.append(account_id)
        people = [{"user_id": c.email, "email": c.email, "password": c.password,
                   "accounts": c.accounts, "note": c.note}
                  for c in self._in_order()]  # fmt: skip
        self._send("PUT", "/v1/sandbox/demo", {"customers": people, "staff": list(STAFF)})

    def _in_order(self) -> list[Customer]:
        """First the customer of the first contract: current, retail, with a bank account."""
        emails = [person["email"] for line in read("contracts") for person in line["customers"]]
        return [self._customers[email] for email in dict.fromkeys(emails)]

    def _log_in(self, user_id: Any, password: Any) -> str:
        credentials = {"grant": "password", "user_id": user_id, "password": password}
        token: str = self._send("POST", "/v1/auth/tokens", credentials)["access_token"]
        return token

    def _get(self, path: str, *, token: str = "") -> dict[str, Any]:
        return self._read("GET", path, self._http.get(path, headers=bearer(token)))

    def _send(
        self, method: str, path: str, body: Any, *, token: str = "", line: Any = None
    ) -> dict[str, Any]:
        headers = bearer(token)
        if line is not None:
            headers["Idempotency-Key"] = key_of(line)
        answer = self._http.request(method, path, json=body, headers=headers)
        if answer.status_code == 409 and "clock_backwards" in answer.text:
            return {}
        if answer.status_code == 422 and "idempotency_key_reused" in answer.text:
            return {}
        return self._read(method, path, answer)

    def _read(self, method: str, path: str, answer: httpx2.Response) -> dict[str, Any]:
        if answer.status_code >= 400:
            raise DemoFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return dict(answer.json()) if answer.content else {}

    def _wait_for(self, is_true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S_MAX
        while not is_true():
            if time.monotonic() > deadline:
                raise DemoFailed(f"waited {WAIT_S_MAX:.0f} s for {what}")
            time.sleep(POLL_S)


def bearer(token: str) -> dict[str, str]:
    """The header that carries *token*, if there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def key_of(line: Any) -> str:
    """The Idempotency-Key of a line: its hash."""
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()


def script() -> list[dict[str, Any]]:
    """Contracts, boarded when they are signed, and actions, in the order of their days."""
    boardings = [{"on": contract["contract_date"], "do": "board", "contract": contract}
                 for contract in read("contracts")]  # fmt: skip
    return sorted([*boardings, *read("actions")], key=lambda line: str(line["on"]))


def read(name: str) -> Iterator[dict[str, Any]]:
    """The rows of one of the demo's files."""
    text = (
        resources.files("carport.allinone")
        .joinpath("demo_data", f"{name}.jsonl")
        .read_text("utf-8")
    )
    return (json.loads(line) for line in text.splitlines())
