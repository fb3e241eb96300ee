"""A whole auth service on a database file of the test's own, with a clock that the test moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from carport.auth import events
from carport.auth.service import SERVICE
from carport.auth.tokens import Keys, jwks
from carport.shared import events as shared_events
from carport.shared import migrate, outbox, sealed, testing
from carport.shared.db import Runtime, make_engine
from carport.shared.kernel.identity import match_key
from carport.shared.kernel.ids import new_id
from carport.shared.sessions import MemorySessions, SqlSessions
from carport.shared.web import create_app

PASSWORD = "three quiet otters 7"


class TestClock:
    """Real time to begin with; moves when told to."""

    __test__ = False

    def __init__(self):
        self.now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)
        return self.now


class Suite:
    """Auth as its neighbours see it: events in, requests, events out."""

    def __init__(self, runtime, secrets):
        self.runtime = runtime
        self.clock = runtime.clock
        self.app = create_app(runtime)
        self.secrets = secrets
        self.keys = Keys.of(runtime.settings.keys)

    def http(self):
        return self.app.test_client()

    def call(self, method, path, body=None, *, token=None, device=None, **headers):
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if device:
            headers["X-Device"] = device
        return self.http().open(path, method=method, json=body, headers=headers)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body if body is not None else {}, **more)

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def deliver(self, type_, data, *, at=None):
        """Give an event to the handler, as the inbox does."""
        event = shared_events.make(type_, subject="s", data=data, now=at or self.clock())
        with self.runtime.transaction() as tx:
            SERVICE.handlers[type_](tx, event, self.clock())
        return event

    def board(
        self,
        *,
        number="2200417783",
        last_name="Rivera",
        zip_code="75001",
        ssn="4821",
        party_id=None,
        account_id=None,
        role="primary",
    ):
        """A contract with one person on it; answers (account id, party id)."""
        account_id = account_id or new_id(self.clock())
        party_id = party_id or new_id(self.clock())
        key = match_key(self.keys.identity, last_name=last_name, zip_code=zip_code, ssn_last4=ssn)
        self.deliver(
            "accounts.identity_recorded.v1",
            {
                "account_id": account_id,
                "account_number": number,
                "party_id": party_id,
                "role": role,
                "match_key": key,
            },
        )
        return account_id, party_id

    def published(self, type_=None):
        """The data of events published so far, oldest first."""
        with self.runtime.reading() as tx:
            rows = tx.execute(outbox.outbox.select().order_by("seq")).all()
        found = [shared_events.Event.from_json(row.body) for row in rows]
        return [event for event in found if type_ in (None, event.type)]

    def mail(self, type_):
        """The opened sealed part of the latest event of that type."""
        event = self.published(type_)[-1]
        return self.open(event)

    def open(self, event):
        private = self.secrets["notifications"]["seal_private"]
        return sealed.open_(private, event.data["sealed"], self.clock())

    def application(self, **changes):
        return {
            "account_number": "2200417783",
            "last_name": "Rivera",
            "zip": "75001",
            "ssn_last4": "4821",
            "email": "ana.rivera@example.com",
            "password": PASSWORD,
            "terms_version": "2025-01",
            **changes,
        }

    def register(self, **changes):
        """Register and follow the link; answers the link's token."""
        answer = self.post("/v1/auth/registrations", self.application(**changes))
        assert answer.status_code == 202, answer.json
        token = self.mail(events.REGISTRATION_REQUESTED)["token"]
        answer = self.post("/v1/auth/email-verifications", {"token": token})
        assert answer.status_code == 204, answer.json
        return token

    def log_in(self, user_id="ana.rivera@example.com", password=PASSWORD, **more):
        body = {"grant": "password", "user_id": user_id, "password": password}
        return self.post("/v1/auth/tokens", body, **more)

    def refresh(self, token, *, client_id="api", **more):
        body = {"grant": "refresh", "refresh_token": token, "client_id": client_id}
        return self.post("/v1/auth/tokens", body, **more)


@pytest.fixture
def clock():
    return TestClock()


def build(tmp_path, clock, **settings):
    secrets = sealed.make_keys()
    given = testing.settings("auth", tmp_path)
    engine = make_engine(given.database_url)
    keys = {**secrets["auth"], "test_signing": secrets["auth"]["signing"][0]}
    store = settings.pop("sessions", None) or SqlSessions(engine)
    made = replace(given, keys=keys, jwks=lambda: jwks(keys), sessions=store, **settings)
    runtime = Runtime(SERVICE, made, engine, clock)
    migrate.upgrade(engine, SERVICE)
    return Suite(runtime, secrets)


@pytest.fixture
def suite(tmp_path, clock):
    suite = build(tmp_path, clock)
    yield suite
    suite.runtime.engine.dispose()


@pytest.fixture
def limited(tmp_path, clock):
    """The suite with the limits of production."""
    suite = build(tmp_path, clock, limits_factor=1)
    yield suite
    suite.runtime.engine.dispose()


@pytest.fixture
def distributed(tmp_path, clock):
    """The suite with a store of live sessions that is not auth's table; Ana Rivera registered."""
    suite = build(tmp_path, clock, sessions=MemorySessions())
    suite.account_id, suite.party_id = suite.board()
    suite.register()
    yield suite
    suite.runtime.engine.dispose()


@pytest.fixture
def boarded(suite):
    """The suite with Ana Rivera's contract boarded: (suite, account id, party id)."""
    account_id, party_id = suite.board()
    suite.account_id, suite.party_id = account_id, party_id
    return suite


@pytest.fixture
def registered(boarded):
    """The suite with Ana Rivera registered."""
    boarded.register(username="Ana.R")
    return boarded
