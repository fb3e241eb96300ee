"""A customer of a cluster who may get no answer, and then asks again with the same key."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import httpx2

from support.books import Books
from support.client import Api, eventually
from support.journeys import boardable, card, email

NOBODY_KNOWS = (409, 500, 502, 503, 504)
"""With these a client has to ask again: it was not told what became of its request."""
_amounts = itertools.count(10_01)


class Payer:
    """One contract, a bank account and a card; what it is told goes into *books*."""

    def __init__(self, books: Books) -> None:
        self.books, self.api = books, Api(books.cluster.url)
        self.staff = self.api.staff()
        document = boardable(self.api)
        self.email = email()
        self.account_id = self.staff.board(document)["id"]
        self.customer = self.api.register(document, self.email)
        self.methods = {"bank": self.customer.add_bank_account(),
                        "card": card(self.customer, "tok_visa")}  # fmt: skip

    def order(self, method: str = "bank", **more: Any) -> dict[str, Any]:
        """The body of an order, of an amount of its own."""
        return {"account_id": self.account_id, "amount": next(_amounts), "currency": "USD",
                "payment_method_id": self.methods[method], **more}  # fmt: skip

    def ask(self, key: str, order: dict[str, Any]) -> httpx2.Response | None:
        """The answer; None when it has to be asked for again."""
        headers = {"Idempotency-Key": key}
        answer = send(self.customer, "POST", "/v1/payments", json=order, headers=headers)
        if answer is not None:
            assert answer.status_code == 202, answer.text
            self.books.accepted[answer.json()["id"]] = order["amount"]
        return answer

    def insist(self, key: str, order: dict[str, Any]) -> httpx2.Response:
        """The answer, asked for until there is one."""
        return eventually(lambda: self.ask(key, order), "an answer")

    def pay(self, method: str = "bank", **more: Any) -> dict[str, Any]:
        """A payment that is answered."""
        paid: dict[str, Any] = self.insist(str(uuid.uuid4()), self.order(method, **more)).json()
        return paid

    def mails(self, payment: dict[str, Any]) -> int:
        """How many mails tell of the payment."""
        number = payment["confirmation_number"]
        return sum(number in mail["text"] for mail in self.api.mails(self.email))


def send(api: Api, method: str, path: str, **more: Any) -> httpx2.Response | None:
    """The answer to a request; None when nobody knows what became of it."""
    try:
        answer = api.http.request(method, path, **more)
    except httpx2.HTTPError:
        return None
    return None if answer.status_code in NOBODY_KNOWS else answer
