"""While sessions cannot be had people are told so: nobody is signed out, nothing is sent."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest
from carport.portal.app import store_of
from carport.portal.sessions import SessionsAway
from carport.portal.sessions.file import FileStore
from carport.shared.config import Settings
from fake_data import identifier
from portal_browser import Browser, Form
from test_paying import review

WORDS = "We cannot look up who you are right now"


class Failing:
    """A store of which the named methods do not answer."""

    def __init__(self, store):
        self.store, self.broken = store, set()

    def __getattr__(self, name):
        if name in self.broken:
            raise SessionsAway
        return getattr(self.store, name)


@pytest.fixture
def failing(customer):
    app = customer.client.application
    parts = app.extensions["portal"]
    store = Failing(parts.store)
    app.extensions["portal"] = replace(parts, store=store)
    return store


@pytest.fixture
def silent(customer):
    """The portal's sessions are at a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        app = customer.client.application
        parts = app.extensions["portal"]
        given = Settings(service="portal", database_url="", sessions=where)
        app.extensions["portal"] = replace(parts, store=store_of(given))
        yield app
        app.extensions["portal"] = parts


def test_without_an_address_sessions_are_in_a_file(tmp_path):
    given = Settings(service="portal", database_url="", home=tmp_path, sessions=object())
    store = store_of(given)
    assert isinstance(store, FileStore)
    store.close()


@pytest.mark.parametrize("path", ["/dashboard", "/", "/login", "/security"])
def test_a_silent_store_is_told_within_300_ms_and_signs_nobody_out(customer, silent, path):
    taken = []
    for _ in range(3):
        started = time.monotonic()
        answer = customer.get(path)
        taken.append(time.monotonic() - started)
    assert min(taken) < 0.3
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert WORDS in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert "Set-Cookie" not in answer.headers
    assert 'href="/login"' not in answer.text


def test_when_sessions_are_back_everybody_is_still_signed_in(customer, failing):
    failing.broken = {"load"}
    assert customer.get("/dashboard").status_code == 503
    failing.broken = set()
    assert customer.get("/dashboard").status_code == 200


def test_visitors_without_a_session_read_on(customer, silent):
    visitor = Browser(silent)
    assert [visitor.get(path).status_code for path in ("/", "/help", "/terms")] == [200] * 3
    assert visitor.get("/login").status_code == 503


def test_what_is_sent_meanwhile_is_not_passed_on(customer, fake, failing):
    where = review(customer)
    form = Form(customer.get(where).text, where).fields
    failing.broken = {"load"}
    answer = customer.send(where, form)
    assert answer.status_code == 503
    assert "No money has moved." in answer.text
    assert fake.payments == {}
    failing.broken = set()
    customer.send(where, form)
    assert len(fake.payments) == 1


def test_a_payment_that_was_taken_leads_to_its_receipt(customer, fake, failing):
    where = review(customer)
    form = Form(customer.get(where).text, where).fields
    failing.broken = {"change"}
    landed = [customer.send(where, form).location for _ in range(2)]
    (payment,) = fake.payments.values()
    assert landed == [f"/payments/{payment['id']}"] * 2


def test_what_was_done_stands_without_its_notice(customer, fake, failing):
    form = Form(customer.get("/security").text, "/security/sessions/end-others").fields
    failing.broken = {"change"}
    assert customer.send("/security/sessions/end-others", form).status_code == 303
    assert [session["id"] for session in fake.sessions] == [identifier(70)]


def test_a_notice_that_cannot_be_taken_out_is_told_as_a_failure_not_as_a_defect(customer, failing):
    customer.submit("/security", "/security/sessions/end-others")
    failing.broken = {"change"}
    answer = customer.get("/security")
    assert (answer.status_code, WORDS in answer.text) == (503, True)


def test_a_script_is_told_by_its_code(customer, failing):
    failing.broken = {"load"}
    answer = customer.get("/dashboard", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (503, "sessions_away")


def test_who_signs_out_meanwhile_is_not_told_to_be_signed_out(customer, failing):
    form = Form(customer.get("/dashboard").text, "/logout").fields
    failing.broken = {"end"}
    assert customer.send("/logout", form).status_code == 503
