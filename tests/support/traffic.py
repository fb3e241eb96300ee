"""Customers who go on whatever happens: requests at a steady rate, each on a connection of its own
and repeated until there is a definite answer, and what they were told.

An answer of 503 that says when to come back is repeated with the same key, as a good client does,
and so is a request whose answer never came.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2

from support.client import SAMPLE_LEASE, Api, contract, eventually

CLIENTS = 32
CONTRACTS = 50
INSIST_S_MAX = 90.0
TIMEOUT_S = 20.0
PAUSE_S_MAX = 2.0


@dataclass
class Household:
    """A customer of many contracts with a way to pay; traffic is about *accounts* alone."""

    api: Api
    email: str
    accounts: list[str]
    spare_id: str
    lease_id: str
    method_id: str

    def log_in(self) -> Api:
        """With a new token."""
        return self.api.log_in(self.email)


def household(api: Api, staff: Api, number: int = CONTRACTS) -> Household:
    """Boarded today and registered."""
    today = api.today()
    documents = [contract(contract_date=today) for _ in range(number + 1)]
    owner = {"customers": documents[0]["customers"]}
    *accounts, spare_id = (staff.board(document | owner)["id"] for document in documents)
    lease_id = staff.board(contract(SAMPLE_LEASE, **owner))["id"]
    email = f"{uuid.uuid4().hex}@example.com"
    customer = api.register(documents[0], email)

    def sees_all() -> bool:
        seen = api.log_in(email).get("/v1/accounts")["data"]
        return len(seen) == number + 2

    eventually(sees_all, "the customer to see every contract")
    return Household(api, email, accounts, spare_id, lease_id, customer.add_bank_account())


@dataclass
class Told:
    """What the clients know. *accepted* are payments by id, *wrong* every answer that is neither a
    success nor asks to come back, *busy* those that do."""

    accepted: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


class Traffic:
    """*rate_per_s* requests, one in *every* of them a payment and the others *reads* in turn."""

    def __init__(
        self, house: Household, *, rate_per_s: float, every: int = 1, reads: list[str] | None = None
    ) -> None:
        self.house, self.told = house, Told()
        self._rate, self._every, self._reads = rate_per_s, every, reads or []
        self._random = random.Random(7)
        self._headers = {"Authorization": f"Bearer {house.log_in().token}"}
        self._guard = threading.Lock()
        self._ending = threading.Event()
        self._steering = threading.Thread(target=self._steer, daemon=True)
        self._http = httpx2.Client(
            base_url=house.api.url,
            timeout=TIMEOUT_S,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    def __enter__(self) -> Traffic:
        self._steering.start()
        return self

    def __exit__(self, *_: object) -> None:
        """No more requests; those that were begun come to their end."""
        self._ending.set()
        self._steering.join()
        self._http.close()

    def go_on(self, seconds: float) -> None:
        """Let them."""
        self._ending.wait(seconds)

    def _steer(self) -> None:
        begun = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number in itertools.count():
                if self._ending.wait(max(0.0, begun + number / self._rate - time.monotonic())):
                    return
                clients.submit(self._one, number)

    def _one(self, number: int) -> None:
        try:
            if number % self._every:
                self._insist("GET", self._reads[number % len(self._reads)])
                return
            order = {"account_id": self._random.choice(self.house.accounts), "currency": "USD",
                     "amount": self._random.randint(100, 500),
                     "payment_method_id": self.house.method_id}  # fmt: skip
            key = {"Idempotency-Key": str(uuid.uuid4())}
            answer = self._insist("POST", "/v1/payments", json=order, headers=key)
            if answer is not None and answer.status_code == 202:
                with self._guard:
                    self.told.accepted[answer.json()["id"]] = order["amount"]
        except Exception as error:  # noqa: BLE001 - told, where a thread's error would be lost
            self._note(f"client: {error!r}", wrong=True)

    def _insist(self, method: str, path: str, **more: Any) -> httpx2.Response | None:
        """The definite answer; None when there was none in time."""
        headers = {**self._headers, **more.pop("headers", {})}
        deadline = time.monotonic() + INSIST_S_MAX
        while time.monotonic() < deadline:
            answer = self._ask(method, path, headers=headers, **more)
            if answer is not None and answer.status_code not in (409, 503):
                return answer
            pause = answer.headers.get("retry-after", "1") if answer is not None else "1"
            time.sleep(min(float(pause), PAUSE_S_MAX))
        self._note(f"{method} {path}: given up", wrong=True)
        return None

    def _ask(self, method: str, path: str, **more: Any) -> httpx2.Response | None:
        """The answer, if one comes."""
        began = time.monotonic()
        try:
            answer = self._http.request(method, path, **more)
        except httpx2.HTTPError as error:
            self._note(f"{method} {path}: {error!r}", wrong=True)
            return None
        self._see(f"{method} {path}", answer, time.monotonic() - began)
        return answer

    def _see(self, what: str, answer: httpx2.Response, seconds: float) -> None:
        with self._guard:
            self.told.slowest_s = max(self.told.slowest_s, seconds)
            self.told.answers[f"{what.split('/')[-1][:20]} {answer.status_code}"] += 1
        if not answer.is_success:
            line = f"{what} {answer.status_code} {answer.text[:300]}"
            self._note(line, wrong=not asks_to_come_back(answer))

    def _note(self, line: str, *, wrong: bool) -> None:
        with self._guard:
            (self.told.wrong if wrong else self.told.busy).append(line)


def asks_to_come_back(answer: httpx2.Response) -> bool:
    """Whether it is a 503, as every one of ours, that says when the same may be asked again."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    says_when = answer.headers.get("retry-after", "").isdecimal()
    return answer.status_code == 503 and is_problem and says_when
