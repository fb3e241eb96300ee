"""Notifications on a real database file, with events handed to its inbox as the bus would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from carport.notifications.service import SERVICE
from carport.shared import delivery, inbox, migrate, sealed, testing, web, worker
from carport.shared.bus import LocalBus, Message
from carport.shared.db import Runtime, make_engine
from carport.shared.events import Event
from carport.shared.kernel.ids import new_id
from joserfc.jwk import ECKey

START = datetime(2025, 5, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Customer:
    """Ids of one customer with one account."""

    account: str
    party: str
    user: str
    email: str | None


class World:
    """One notifications service, its clock, and the few things tests do with it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.now = START
        runtime.clock = lambda: self.now
        self.client = web.create_app(runtime).test_client()
        self.bus = LocalBus()
        worker.subscribe(self.bus, runtime)

    def event(self, type_: str, data: dict, *, subject: str | None = None) -> Event:
        self.now += timedelta(milliseconds=1)
        about = subject or data.get("account_id") or data.get("party_id") or new_id(self.now)
        return Event(new_id(self.now), type_, about, self.now, data)

    def deliver(self, *events: Event) -> None:
        for event in events:
            message = Message(event.id, event.type, event.to_json(), redelivered=False)
            delivery.deliver(self.runtime, message)

    def drain(self) -> None:
        worker.drain([self.runtime], self.bus)

    def say(self, type_: str, data: dict) -> Event:
        event = self.event(type_, data)
        self.deliver(event)
        self.drain()
        return event

    def mails(self, to: str | None = None) -> list[dict]:
        query = {"limit": 100, **({"to": to} if to else {})}
        answer = self.client.get("/v1/sandbox/mailbox", query_string=query)
        assert answer.status_code == 200, answer.json
        return answer.json["data"]

    def unfinished(self) -> list[dict]:
        with self.runtime.reading() as tx:
            return inbox.unfinished(tx)

    def sealed(self, **secret: object) -> str:
        private = ECKey.import_key(self.runtime.settings.keys["seal_private"])
        public = private.as_dict(private=False)
        return sealed.seal(public, secret, self.now + timedelta(minutes=15))

    def in_15_minutes(self) -> str:
        return (self.now + timedelta(minutes=15)).isoformat()

    def board(self, *, email: str | None = "ann@example.com", **contact: object) -> Customer:
        """A retail account with one party, known to notifications."""
        self.now += timedelta(seconds=1)
        customer = Customer(new_id(self.now), new_id(self.now), new_id(self.now), email)
        self.deliver(*self.boarding(customer, **contact))
        return customer

    def boarding(self, customer: Customer, **contact: object) -> list[Event]:
        car = {"vin": "x", "year": 2025, "make": "Kia", "model": "Sportage", "trim": "EX"}
        boarded = {
            "account_id": customer.account,
            "account_number_last4": "7783",
            "product": "retail",
            "vehicle": car,
            "parties": [{"party_id": customer.party, "role": "primary"}],
        }
        person = {
            "party_id": customer.party,
            "account_ids": [customer.account],
            "first_name": "Ann",
            "last_name": "Lee",
            "email": customer.email,
            "language": "en",
            **contact,
        }
        return [
            self.event("accounts.account_boarded.v1", boarded),
            self.event("accounts.contact_changed.v1", person),
        ]

    def order(self, customer: Customer, **more: object) -> dict:
        """The data of a payment_accepted event."""
        self.now += timedelta(seconds=1)
        return {
            "payment_id": new_id(self.now),
            "account_id": customer.account,
            "amount": 58684,
            "currency": "USD",
            "effective_on": "2025-05-01",
            "method": {"type": "bank_account", "brand": "Checking", "last4": "6789"},
            "user_id": customer.user,
            "party_id": customer.party,
            "confirmation_number": "7K3M9QX2TW",
            **more,
        }

    def posting(self, order: dict, **more: object) -> dict:
        """The data of the payment_posted event that follows *order*."""
        return {
            "payment_id": order["payment_id"],
            "account_id": order["account_id"],
            "amount": order["amount"],
            "currency": "USD",
            "effective_on": "2025-05-01",
            "booked_on": "2025-05-01",
            "allocation": {
                "interest": 16003,
                "principal": 40181,
                "fees": 2500,
                "tax": 0,
                "unapplied": 0,
            },
            "balance_after": 2959819,
            "posted_at": self.now.isoformat(),
            **more,
        }

    def messages(self, customer: Customer) -> list[dict]:
        answer = self.client.get("/v1/messages?limit=100", headers=self.as_party(customer.party))
        assert answer.status_code == 200, answer.json
        return answer.json["data"]

    def prefer(self, customer: Customer, **more: object) -> None:
        path, who = "/v1/alerts/preferences", self.as_party(customer.party)
        tag = self.client.get(path, headers=who).headers["ETag"]
        chosen = {"events": [], "days_ahead": [], "quiet_hours": {"from": "21:00", "to": "08:00"}}
        answer = self.client.put(path, json={**chosen, **more}, headers={**who, "If-Match": tag})
        assert answer.status_code == 200, answer.json

    def as_party(self, party_id: str | None, **more: object) -> dict[str, str]:
        return testing.bearer(self.runtime, claims={"party": party_id}, **more)


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    settings = testing.settings("notifications", tmp_path)
    runtime = Runtime(SERVICE, settings, make_engine(settings.database_url))
    migrate.upgrade(runtime.engine, SERVICE)
    yield World(runtime)
    runtime.engine.dispose()
