"""Kill the whole process at random moments while customers pay, and count the money afterwards."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from support.client import Api, contract, eventually
from support.running import Running

CLIENTS = 4
CONTRACTS = 4
LOAD_S = (0.05, 1.2)
Order = dict[str, Any]


@dataclass
class History:
    """What the clients know: answers they got, and requests whose answer never came."""

    accepted: dict[str, int] = field(default_factory=dict)
    unanswered: list[tuple[str, Order]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)


class Storm:
    """A suite of its own under load."""

    def __init__(self, folder: Path, seed: int):
        self.random = random.Random(seed)
        self.running = Running(folder).start()
        self.history = History()
        api = Api(self.running.url)
        staff = api.staff()
        documents = [contract(contract_date=api.today()) for _ in range(CONTRACTS)]
        owner = documents[0]["customers"]
        self.accounts = [staff.board(d | {"customers": owner})["id"] for d in documents]
        self.email = f"{uuid.uuid4().hex}@example.com"
        customer = api.register(documents[0], self.email)
        eventually(lambda: len(api.log_in(self.email).get("/v1/accounts")["data"]) == CONTRACTS)
        self.method_id = customer.add_bank_account()

    def customer(self) -> Api:
        return Api(self.running.url).log_in(self.email)

    def blow(self, kills: int) -> None:
        """Load, kill, restart, ask again for what was not answered; *kills* times."""
        for _ in range(kills):
            stop, customer = threading.Event(), self.customer()
            clients = [threading.Thread(target=self.pay_until, args=(stop, customer))
                       for _ in range(CLIENTS)]  # fmt: skip
            for client in clients:
                client.start()
            time.sleep(self.random.uniform(*LOAD_S))
            self.running.kill()
            stop.set()
            for client in clients:
                client.join()
            self.running.start()
            self.ask_again()

    def pay_until(self, stop: threading.Event, customer: Api) -> None:
        while not stop.is_set():
            order = {"account_id": self.random.choice(self.accounts), "currency": "USD",
                     "amount": self.random.randint(100, 500),
                     "payment_method_id": self.method_id}  # fmt: skip
            self.order(customer, str(uuid.uuid4()), order)

    def order(self, customer: Api, key: str, order: Order) -> None:
        try:
            answer = customer.http.post(
                "/v1/payments", json=order, headers={"Idempotency-Key": key}
            )
        except httpx2.HTTPError:
            with self.history.guard:
                self.history.unanswered.append((key, order))
            return
        with self.history.guard:
            if answer.status_code == 202:
                self.history.accepted[answer.json()["id"]] = order["amount"]
            elif answer.status_code in (409, 503):
                self.history.unanswered.append((key, order))
            else:
                self.history.refused.append(f"{answer.status_code} {answer.text}")

    def ask_again(self) -> None:
        """A client that got no answer sends the same key again until it has one."""
        customer = self.customer()
        while self.history.unanswered:
            self.order(customer, *self.history.unanswered.pop())

    def settle(self) -> None:
        """Every accepted payment is posted once, no other is, and the books balance."""
        assert not self.history.refused, self.history.refused[:3]
        customer = self.customer()
        for payment_id in self.history.accepted:
            customer.until(payment_id, "posted")
        receipts = [line for account in self.accounts for line in lines_of(customer, account)]
        paid = sorted((line["payment_id"], line["amount"]) for line in receipts)
        assert paid == sorted(self.history.accepted.items())
        trial = Api(self.running.url).staff().get("/v1/staff/trial-balance")
        assert trial["balanced"], trial
        verified = self.running.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr

    def end(self) -> None:
        with contextlib.suppress(Exception):
            self.running.kill()


def lines_of(customer: Api, account_id: str) -> list[dict[str, Any]]:
    """All payments in the history of an account."""
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = customer.get(f"/v1/accounts/{account_id}/transactions", limit=100, **more)
        found += [line for line in page["data"] if line["type"] == "payment"]
        cursor = page["next_cursor"]
        if not cursor:
            return found
