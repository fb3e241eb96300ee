"""The payments service on a database file, told of accounts by events built from the contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from carport.payments.service import SERVICE
from carport.shared import business_day, delivery, inbox, migrate, outbox, testing, worker
from carport.shared.bus import LocalBus, Message
from carport.shared.config import Settings
from carport.shared.db import Runtime, make_engine
from carport.shared.events import Event
from carport.shared.kernel.identity import account_number_key
from carport.shared.kernel.ids import new_id
from carport.shared.sealed import decode
from carport.shared.web import create_app
from flask.testing import FlaskClient

NOON = datetime(2025, 5, 5, 16, 0, tzinfo=UTC)
MONDAY = date(2025, 5, 5)
ACCOUNT = "0197a3c2-0001-7abc-8def-0123456789ab"
OTHER_ACCOUNT = "0197a3c2-0002-7abc-8def-0123456789ab"
LEASE = "0197a3c2-0003-7abc-8def-0123456789ab"
USER = "0197a3c2-0004-7abc-8def-0123456789ab"
PARTY = "0197a3c2-0005-7abc-8def-0123456789ab"
ACCOUNT_NUMBER = "2200417783"
PAYOFF = 2_884_449
SNAPSHOT: dict[str, Any] = {
    "account_id": ACCOUNT,
    "version": 1,
    "product": "retail",
    "status": "active",
    "currency": "USD",
    "as_of": "2025-05-05",
    "balance": PAYOFF,
    "principal": 2_878_818,
    "accrued_interest": 5_631,
    "accrued_exact": "20551881702/3650000",
    "accrued_as_of": "2025-05-05",
    "annual_rate": "0.0649",
    "day_count": "actual/365",
    "fees_due": 0,
    "unapplied": 0,
    "payoff": PAYOFF,
}


class Clock:
    """Real time that stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **by: float) -> None:
        self.now += timedelta(**by)


class Payments:
    """The service as its neighbours see it: requests and events in, answers and events out."""

    MONDAY = MONDAY
    ACCOUNT, OTHER_ACCOUNT, LEASE = ACCOUNT, OTHER_ACCOUNT, LEASE
    USER, PARTY, ACCOUNT_NUMBER, PAYOFF = USER, PARTY, ACCOUNT_NUMBER, PAYOFF

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.clock: Clock = runtime.clock
        self.app = create_app(runtime)
        self.http: FlaskClient = self.app.test_client()
        self.bus = LocalBus()
        self._keys = 0

    # -- events --
    def tell(self, type_: str, data: dict[str, Any], **more: Any) -> str:
        """Deliver an event to the inbox as the bus would; its state there."""
        now = self.clock()
        subject = data.get("account_id", "day")
        event = Event(new_id(now), type_, subject, now, data, **more)
        delivery.deliver(self.runtime, Message(event.id, type_, event.to_json(), False))
        with self.runtime.reading() as tx:
            query = sa.select(inbox.inbox.c.state).where(inbox.inbox.c.event_id == event.id)
            return tx.execute(query).scalar_one()

    def board(self, account_id: str = ACCOUNT, number: str = ACCOUNT_NUMBER) -> None:
        key = decode(self.runtime.settings.keys["account_number"])
        self.tell(
            "accounts.account_boarded.v1",
            {
                "account_id": account_id,
                "account_number_last4": number[-4:],
                "account_number_key": account_number_key(key, number),
                "parties": [{"party_id": PARTY, "role": "primary"}],
            },
        )

    def snapshot(self, **changes: Any) -> None:
        self.tell("accounts.account_changed.v1", {**SNAPSHOT, **changes})

    def end_day(self, day: date, next_local_time: str = "12:00") -> str:
        data = {"date": day.isoformat(), "next_local_time": next_local_time}
        state = self.tell("accounts.day_ending.v1", data)
        self.drain()
        return state

    def post(self, payment: dict[str, Any], **changes: Any) -> None:
        """Say that accounts has posted *payment*."""
        amount = payment["amount"]
        self.tell(
            "accounts.payment_posted.v1",
            {
                "payment_id": payment["id"],
                "account_id": payment["account_id"],
                "amount": amount,
                "currency": "USD",
                "effective_on": payment["effective_date"],
                "booked_on": payment["effective_date"],
                "allocation": {"interest": 0, "principal": amount, "fees": 0, "tax": 0,
                               "unapplied": 0},
                "balance_after": PAYOFF - amount,
                "posted_at": "2025-05-05T16:00:02Z",
                **changes,
            },
        )  # fmt: skip

    def published(self, type_: str | None = None) -> list[dict[str, Any]]:
        """Events in the outbox, oldest first, as parsed CloudEvents."""
        with self.runtime.reading() as tx:
            bodies = tx.execute(sa.select(outbox.outbox.c.body).order_by("seq")).scalars()
            found = [json.loads(body) for body in bodies]
        return [e for e in found if type_ in (None, e["type"].split(".")[1])]

    def drain(self) -> None:
        worker.drain([self.runtime], self.bus)

    # -- time --
    def stand_on(self, day: date, local_time: str = "12:00") -> None:
        with self.runtime.transaction() as tx:
            business_day.open_day(tx, day, datetime.strptime(local_time, "%H:%M").time())  # noqa: DTZ007

    # -- requests --
    def head(self, user: str = USER, **who: Any) -> dict[str, str]:
        accounts = who.pop("accounts", (ACCOUNT, LEASE))
        return testing.bearer(self.runtime, sub=user, accounts=accounts, **who)

    def key(self) -> dict[str, str]:
        self._keys += 1
        return {"Idempotency-Key": f"key-{self._keys}"}

    def call(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        head = {**self.head(), **self.key(), **headers}
        return self.http.open(path, method=method, json=body, headers=head)

    def bank_account(self, **changes: Any) -> dict[str, Any]:
        body = {
            "type": "bank_account",
            "routing_number": "021000021",
            "account_number": "000987654321",
            "account_type": "checking",
            "holder_name": "Maria Lopez",
            **changes,
        }
        answer = self.call("POST", "/v1/payment-methods", body)
        assert answer.status_code == 201, answer.json
        return answer.json

    def card(self, token: str = "tok_visa") -> dict[str, Any]:
        body = {"type": "card", "processor_token": token}
        answer = self.call("POST", "/v1/payment-methods", body)
        assert answer.status_code == 201, answer.json
        return answer.json

    def order(self, method: dict[str, Any], **changes: Any) -> Any:
        body = {
            "account_id": ACCOUNT,
            "payment_method_id": method["id"],
            "amount": 58_684,
            "currency": "USD",
            **changes,
        }
        return self.call("POST", "/v1/payments", body)

    def pay(self, method: dict[str, Any], **changes: Any) -> dict[str, Any]:
        answer = self.order(method, **changes)
        assert answer.status_code == 202, answer.json
        return answer.json

    def read(self, payment: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("GET", f"/v1/payments/{payment['id']}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def cancel(self, payment: dict[str, Any], **headers: Any) -> Any:
        return self.call("POST", f"/v1/payments/{payment['id']}/cancellation", **headers)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.runtime.reading() as tx:
            return list(tx.execute(sa.text(query), values).mappings())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose database is migrated and knows a first day and one account."""
    settings = testing.settings("payments", tmp_path_factory.mktemp("template"))
    engine = make_engine(settings.database_url)
    migrate.upgrade(engine, SERVICE)
    suite = Payments(Runtime(SERVICE, settings, engine, Clock()))
    suite.tell("accounts.day_opened.v1", {"date": "2025-05-05", "local_time": "12:00"})
    suite.board()
    suite.snapshot()
    engine.dispose()
    return settings


@pytest.fixture
def suite(template: Settings, tmp_path: Path) -> Iterator[Payments]:
    """The service on a copy of the template: nothing of a test is left for the next one."""
    settings = testing.copied(template, tmp_path)
    engine = make_engine(settings.database_url)
    yield Payments(Runtime(SERVICE, settings, engine, Clock()))
    engine.dispose()
