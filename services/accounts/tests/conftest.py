"""Accounts as a whole on a real SQLite file, with neighbours that answer as payments and lease do.

``Suite.neighbours`` counts what it delivered of each day, so the close waits for exactly that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from carport.accounts.service import SERVICE
from carport.shared import business_day, delivery, migrate, testing, worker
from carport.shared.bus import LocalBus, Message
from carport.shared.config import Settings
from carport.shared.db import Runtime, make_engine
from carport.shared.events import Event
from carport.shared.events import make as make_event
from carport.shared.kernel.ids import new_id
from carport.shared.outbox import outbox
from carport.shared.web import create_app

RETAIL = {
    "account_number": "2200417783", "product": "retail", "contract_date": "2025-01-10",
    "principal": 3000000, "annual_rate": "0.0649", "term_months": 60,
    "first_due_date": "2025-02-24", "payment": 58684, "currency": "USD",
    "day_count": "actual/365", "grace_days": 10, "late_fee": {"kind": "flat", "amount": 2500},
    "allocation": ["interest", "principal", "fees"], "state": "TX",
    "vehicle": {"vin": "5XYK33AF1SG000001", "year": 2025, "make": "Kia", "model": "Sportage",
                "trim": "EX", "odometer": 12},
    "customers": [{"role": "primary", "first_name": "Dana", "last_name": "Núñez-Hill",
                   "email": "dana@example.com", "phone": "+12145550142",
                   "birth_date": "1984-06-02", "ssn_last4": "4821",
                   "address": {"line1": "12 Elm St", "city": "Plano", "state": "TX",
                               "zip": "75001"}}],
}  # fmt: skip
LEASE = {
    **{name: RETAIL[name] for name in ("currency", "state", "customers", "vehicle", "grace_days")},
    "late_fee": {"kind": "flat", "amount": 2500},
    "account_number": "3300102939", "product": "lease", "contract_date": "2025-01-05",
    "adjusted_cap_cost": 3250000, "residual": 1885000, "money_factor": "0.00175",
    "term_months": 36, "first_due_date": "2025-01-05",
    "tax": {"rate": "0.0825", "method": "on_payment"},
    "mileage": {"annual_allowance": 10000, "excess_rate": 20, "start": 12},
    "fees": {"disposition": 40000, "purchase_option": 30000}, "security_deposit": 0,
}  # fmt: skip


@dataclass
class Suite:
    """Accounts as its neighbours and its clients see it."""

    runtime: Runtime
    bus: LocalBus
    announced: Counter = field(default_factory=Counter)
    is_answering: bool = True

    def __post_init__(self):
        self.client = create_app(self.runtime).test_client()
        worker.subscribe(self.bus, self.runtime)
        self.bus.subscribe(["accounts.day_ending.v1"], self.on_day_ending)

    def settle(self):
        worker.drain([self.runtime], self.bus)

    def on_day_ending(self, message: Message):
        if self.is_answering:
            self.answer(date.fromisoformat(Event.from_json(message.body).data["date"]))

    def answer(self, day: date):
        """payments and lease say that their *day* is done."""
        for source in ("payments", "lease"):
            counts = {t: n for (t, d), n in self.announced.items()
                      if d == day and t.startswith(source)}  # fmt: skip
            data = {"date": day.isoformat(), "events": counts, "totals": {}}
            self.deliver(f"{source}.day_done.v1", data, subject=day.isoformat(), on=day)

    def deliver(self, type_, data, *, subject, on=None, event=None):
        """An event of a neighbour comes in; the same *event* again when one is given."""
        made = event or make_event(type_, subject=subject, data=data, now=self.now, businessdate=on)
        delivery.deliver(
            self.runtime, Message(made.id, made.type, made.to_json(), redelivered=False)
        )
        return made

    @property
    def now(self):
        return self.runtime.clock()

    @property
    def today(self) -> date:
        with self.runtime.reading() as tx:
            return business_day.get(tx).date

    def call(self, method, path, body=None, *, who=None, **headers):
        asked = {} if who is None else testing.bearer(self.runtime, **who)
        return self.client.open(path, method=method, json=body, headers={**asked, **headers})

    def staff(self, method, path, body=None, scope="agent", **headers):
        headers.setdefault("Idempotency-Key", new_id(self.now))
        return self.call(method, path, body, who={"scope": scope}, **headers)

    def customer(self, account_id, path, method="GET", body=None, **claims):
        return self.call(
            method, path, body, who={"accounts": [account_id], "claims": claims or None}
        )

    def board(self, document=RETAIL, **changes) -> str:
        answer = self.staff("POST", "/v1/staff/accounts", {**document, **changes})
        assert answer.status_code == 201, answer.json
        return answer.json["id"]

    def move(self, day: str, local_time=None):
        body = {"business_date": day} | ({"local_time": local_time} if local_time else {})
        answer = self.call("PUT", "/v1/sandbox/clock", body)
        assert answer.status_code in (200, 202), answer.json
        self.settle()
        assert self.today.isoformat() == day

    def pay(self, account_id, amount, effective_on=None, **more):
        """payments accepted a payment; the event, to be delivered again or reversed."""
        on = self.today
        data = {
            "payment_id": new_id(self.now), "account_id": account_id, "amount": amount,
            "currency": "USD", "effective_on": effective_on or on.isoformat(), "extra": None,
            "quote_id": None, "method": {"type": "bank_account", "brand": None, "last4": "6789"},
            "user_id": new_id(self.now), "party_id": new_id(self.now),
            "confirmation_number": "ABCDEFGHJK", "accepted_at": self.now.isoformat(), **more,
        }  # fmt: skip
        self.announced["payments.payment_accepted.v1", on] += 1
        return self.deliver("payments.payment_accepted.v1", data, subject=account_id, on=on)

    def give_back(self, paid: Event, code="R01"):
        on = self.today
        self.announced["payments.payment_returned.v1", on] += 1
        names = ("payment_id", "account_id", "amount", "effective_on", "confirmation_number")
        data = {name: paid.data[name] for name in names}
        data |= {"code": code, "text": "Insufficient funds", "returned_on": on.isoformat()}
        return self.deliver("payments.payment_returned.v1", data, subject=paid.subject, on=on)

    def cancel(self, paid: Event, was_accepted=True):
        on = self.today
        self.announced["payments.payment_cancelled.v1", on] += 1
        names = ("payment_id", "account_id", "amount", "effective_on", "confirmation_number")
        data = {name: paid.data[name] for name in names} | {"was_accepted": was_accepted}
        return self.deliver("payments.payment_cancelled.v1", data, subject=paid.subject, on=on)

    def account(self, account_id) -> dict:
        answer = self.staff("GET", f"/v1/staff/accounts/{account_id}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def transactions(self, account_id) -> list[dict]:
        answer = self.customer(account_id, f"/v1/accounts/{account_id}/transactions?limit=100")
        assert answer.status_code == 200, answer.json
        return answer.json["data"]

    def published(self, name, **wanted) -> list[dict]:
        """Data of events ``accounts.<name>.v1`` in the outbox, oldest first."""
        query = outbox.select().where(outbox.c.type == f"accounts.{name}.v1").order_by(outbox.c.seq)
        with self.runtime.reading() as tx:
            found = [Event.from_json(row.body).data for row in tx.execute(query)]
        return [data for data in found if all(data[k] == v for k, v in wanted.items())]

    def verify(self) -> list[str]:
        with self.runtime.reading() as tx:
            return SERVICE.verify(tx)


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Settings:
    """Of a migrated, empty database: copying it is quicker than migrating for each test."""
    settings = testing.settings("accounts", tmp_path_factory.mktemp("template"))
    engine = make_engine(settings.database_url)
    migrate.upgrade(engine, SERVICE)
    engine.dispose()
    return settings


def make_suite(folder, template, first_day: date) -> Suite:
    """Accounts on a fresh copy of *template* in *folder*, open on *first_day*."""
    settings = testing.copied(template, folder, first_day=first_day)
    runtime = Runtime(SERVICE, settings, make_engine(settings.database_url))
    suite = Suite(runtime, LocalBus())
    suite.settle()
    return suite


@pytest.fixture
def suite(tmp_path, template):
    """Accounts on 2025-01-10, the day of the sample contract."""
    made = make_suite(tmp_path, template, date(2025, 1, 10))
    yield made
    made.runtime.engine.dispose()


@pytest.fixture
def make(tmp_path, template):
    """Further suites: ``make("2025-04-30")``."""
    opened = []

    def build(first_day: str) -> Suite:
        folder = tmp_path / f"suite{len(opened)}"
        folder.mkdir()
        opened.append(make_suite(folder, template, date.fromisoformat(first_day)))
        return opened[-1]

    yield build
    for one in opened:
        one.runtime.engine.dispose()


@pytest.fixture
def retail():
    return RETAIL


@pytest.fixture
def lease():
    return LEASE


@pytest.fixture
def day():
    return timedelta(days=1)
