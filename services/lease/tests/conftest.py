"""Lease on a real database file, with events handed to its inbox as the bus would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from carport.lease.service import SERVICE
from carport.shared import business_day, delivery, inbox, migrate, testing, web, worker
from carport.shared.bus import LocalBus, Message
from carport.shared.db import Runtime, make_engine
from carport.shared.events import Event
from carport.shared.kernel.ids import new_id
from carport.shared.outbox import outbox

START = datetime(2025, 11, 30, 12, 0, tzinfo=UTC)


class World:
    """One lease service, its clock, and the few things tests do with it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.now = START
        runtime.clock = lambda: self.now
        self.client = web.create_app(runtime).test_client()
        self.bus = LocalBus()
        worker.subscribe(self.bus, runtime)

    def event(self, type_: str, data: dict) -> Event:
        self.now += timedelta(milliseconds=1)
        subject = data.get("account_id") or data.get("date") or new_id(self.now)
        return Event(new_id(self.now), type_, subject, self.now, data)

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

    def new_id(self) -> str:
        self.now += timedelta(milliseconds=1)
        return new_id(self.now)

    def boarded(self, account_id: str, **more: object) -> dict:
        """Sample lease L1: 32,500.00 over 36 months to 18,850.00."""
        return {
            "account_id": account_id,
            "product": "lease",
            "term_months": 36,
            "payment": 50772,
            "lease": {
                "residual": 1885000,
                "adjusted_cap_cost": 3250000,
                "adjusted_balances": [3250000, 3214368],
                "tax": {"rate": "0.0825", "method": "on_payment"},
                "mileage": {"annual_allowance": 10000, "excess_rate": 20, "start": 12},
                "fees": {"disposition": 40000, "purchase_option": 30000},
                "security_deposit": 0,
            },
            **more,
        }

    def snapshot(self, account_id: str, version: int = 1, **more: object) -> dict:
        """L1 with 24 instalments billed and paid."""
        return {
            "account_id": account_id,
            "version": version,
            "product": "lease",
            "status": "active",
            "maturity_date": "2026-03-01",
            "balance": 0,
            "unsatisfied": [],
            "payments_remaining": 12,
            "flags": [],
            "lease": {"adjusted_balance": 2359308},
            **more,
        }

    def board(self, **snapshot: object) -> str:
        account_id = self.new_id()
        self.say("accounts.account_boarded.v1", self.boarded(account_id))
        self.say("accounts.account_changed.v1", self.snapshot(account_id, **snapshot))
        return account_id

    def open_day(self, day: str) -> None:
        self.say("accounts.day_opened.v1", {"date": day, "local_time": "12:00"})

    def end_day(self, day: str) -> None:
        self.say("accounts.day_ending.v1", {"date": day, "next_local_time": "12:00"})

    def today(self) -> date:
        with self.runtime.reading() as tx:
            return business_day.get(tx).date

    def said(self, type_: str) -> list[Event]:
        query = outbox.select().where(outbox.c.type == type_).order_by(outbox.c.seq)
        with self.runtime.reading() as tx:
            return [Event.from_json(row.body) for row in tx.execute(query)]

    def unfinished(self) -> list[dict]:
        with self.runtime.reading() as tx:
            return inbox.unfinished(tx)

    def get(self, account_id: str, *, accounts: list[str] | None = None):
        who = testing.bearer(self.runtime, accounts=accounts or [account_id])
        return self.client.get(f"/v1/leases/{account_id}", headers=who)


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    settings = testing.settings("lease", tmp_path)
    runtime = Runtime(SERVICE, settings, make_engine(settings.database_url))
    migrate.upgrade(runtime.engine, SERVICE)
    yield World(runtime)
    runtime.engine.dispose()
