"""Several portals on one Valkey: whichever a browser reaches, it is the same session."""

from __future__ import annotations

import threading
import time

import pytest
from carport.portal.api import ApiClient
from carport.portal.app import create_app
from carport.portal.sessions import ABSOLUTE_S, ANONYMOUS_S, IDLE_S, SessionsAway, key_of
from carport.portal.sessions import valkey as valkey_sessions
from carport.shared.config import Settings
from fake_gateway import FakeGateway
from portal_browser import HTTPS, Browser
from redis import Redis

COOKIE = "__Host-carport"


@pytest.fixture
def fake():
    return FakeGateway()


@pytest.fixture
def portals(tmp_path, fake, valkey_url):
    """Two portals that share nothing but the gateway and Valkey."""
    given = Settings(
        service="portal",
        database_url="",
        home=tmp_path,
        public_base_url=HTTPS,
        sessions=valkey_url,
    )
    apps = [create_app(given, ApiClient(HTTPS, wsgi_app=fake.app)) for _ in range(2)]
    yield apps
    for app in apps:
        app.extensions["portal"].store.close()
        app.extensions["portal"].api.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def stores(portals):
    return [app.extensions["portal"].store for app in portals]


@pytest.fixture
def customers(portals):
    """One browser, signed in at the first portal, as the second one sees it too."""
    first, second = (Browser(app) for app in portals)
    assert first.log_in().status_code == 303
    carry(first, second)
    return first, second


@pytest.fixture
def client(valkey_url):
    with Redis.from_url(valkey_url) as client:
        yield client


def carry(source, target):
    """The same browser reaches another portal."""
    value = source.cookie(COOKIE).value
    target.client.set_cookie(COOKIE, value, domain="pay.example.com", secure=True)


def together(*works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_who_signs_in_at_one_portal_is_signed_in_at_the_other_until_she_signs_out(customers):
    first, second = customers
    assert second.get("/dashboard").status_code == 200
    assert second.submit("/dashboard", "/logout").status_code == 303
    assert first.get("/dashboard").status_code == 303


def test_changes_at_once_by_all_portals_lose_nothing(stores):
    session = stores[0].create({"csrf": "x"})

    def change(number):
        for step in range(25):
            stores[number % 2].change(
                session.id, lambda data, s=step: data.update({f"{number}.{s}": 1})
            )

    together(*(lambda n=number: change(n) for number in range(8)))
    assert len(stores[0].load(session.id).data) == 1 + 8 * 25


def test_a_change_that_never_gets_its_turn_is_told_and_not_made(stores, monkeypatch):
    monkeypatch.setattr(valkey_sessions, "CHANGES_TRIED_MAX", 3)
    session = stores[0].create({"count": 0})

    def disturbed(data):
        stores[1].change(session.id, lambda other: other.update(count=other["count"] + 1))
        data.update(mine=1)

    with pytest.raises(SessionsAway):
        stores[0].change(session.id, disturbed)
    assert stores[0].load(session.id).data == {"count": 3}


def test_tokens_are_refreshed_once_however_many_portals_find_them_old(customers, fake):
    fake.access = "rotated"
    statuses = []
    together(*(lambda b=browser: statuses.append(b.get("/dashboard").status_code)
               for browser in customers * 4))  # fmt: skip
    assert statuses == [200] * 8
    assert fake.refreshes == 1


def test_a_portal_that_died_while_it_refreshed_holds_the_others_up_for_a_moment(
    stores, monkeypatch
):
    monkeypatch.setattr(valkey_sessions, "FLIGHT_S", 0.3)
    session = stores[0].create({"tokens": {}})
    dead = stores[0].flight(session.id)
    dead.__enter__()
    started = time.monotonic()
    with stores[1].flight(session.id):
        assert 0.2 < time.monotonic() - started < 2
    dead.__exit__(None, None, None)


def test_a_flight_that_takes_too_long_is_not_waited_for(stores, monkeypatch):
    monkeypatch.setattr(valkey_sessions, "FLIGHT_WAIT_S", 0.1)
    session = stores[0].create({"tokens": {}})
    with (
        stores[0].flight(session.id),
        pytest.raises(SessionsAway),
        stores[1].flight(session.id),
    ):
        pass
    with stores[1].flight(session.id):
        pass


def test_a_session_that_ended_during_a_change_is_not_brought_back(stores, client):
    session = stores[0].create({"tokens": {}})
    assert stores[0].change(session.id, lambda data: stores[1].end(session.id)) is None
    assert stores[1].load(session.id) is None
    assert client.exists(f"portal:{key_of(session.id)}") == 0


def test_a_used_session_idles_half_an_hour_and_ends_after_a_day(stores, client, monkeypatch):
    session = stores[0].create({"tokens": {}})
    key = f"portal:{key_of(session.id)}"
    assert IDLE_S - 5 <= client.ttl(key) <= IDLE_S
    client.expire(key, IDLE_S - 120)
    assert stores[1].load(session.id) is not None
    assert IDLE_S - 5 <= client.ttl(key) <= IDLE_S
    now = time.time()
    monkeypatch.setattr(stores[1], "_now", lambda: now + ABSOLUTE_S - 60)
    stores[1].change(session.id, lambda data: data.update(notice="x"))
    assert client.ttl(key) <= 61
    monkeypatch.setattr(stores[1], "_now", lambda: now + ABSOLUTE_S)
    assert stores[1].load(session.id) is None


def test_a_visitors_session_ends_after_two_hours_however_busy(stores, client, monkeypatch):
    session = stores[0].create({"csrf": "x"})
    key = f"portal:{key_of(session.id)}"
    assert ANONYMOUS_S - 5 <= client.ttl(key) <= ANONYMOUS_S
    now = time.time()
    monkeypatch.setattr(stores[1], "_now", lambda: now + ANONYMOUS_S - 60)
    stores[1].change(session.id, lambda data: data.update(notice="x"))
    assert stores[1].load(session.id).data["notice"] == "x"
    assert client.ttl(key) <= 61
    monkeypatch.setattr(stores[1], "_now", lambda: now + ANONYMOUS_S)
    assert stores[1].load(session.id) is None


def test_the_store_alone_opens_nobodys_session(customers, fake, client):
    cookie = customers[0].cookie(COOKIE).value
    value = client.get(f"portal:{key_of(cookie)}")
    for secret in (cookie, fake.access, fake.refresh, "tokens"):
        assert secret.encode() not in value
    assert [key for key in client.keys("portal:*") if cookie.encode() in key] == []


def test_what_is_not_a_session_is_none(stores, client):
    other = stores[0].create({"tokens": {}})
    mine = stores[0].create({"tokens": {}})
    client.copy(f"portal:{key_of(other.id)}", f"portal:{key_of(mine.id)}", replace=True)
    assert stores[0].load(mine.id) is None
    for text in ("", "A" * 22, "ü" * 22, "x" * 400):
        assert stores[0].load(text) is None


def test_a_portal_whose_store_lost_everything_leads_to_sign_in(customers, client):
    assert client.delete(f"portal:{key_of(customers[0].cookie(COOKIE).value)}") == 1
    answer = customers[1].get("/dashboard")
    assert answer.location.startswith("/login")
    assert customers[1].log_in().status_code == 303
    assert customers[1].get("/dashboard").status_code == 200
