"""Whatever fails is told: what happened, whether money moved, what to do, the reference."""

from __future__ import annotations

import json
import socket

import pytest
from carport.portal.api import ApiClient, Problem
from fake_data import LOAN, identifier

CODES = [
    (404, "not_found", "We cannot find that"),
    (403, "forbidden", "You are not allowed"),
    (429, "rate_limited", "a little too often"),
    (503, "temporarily_unavailable", "This part is not available right now"),
    (500, "internal_error", "Something went wrong on our side"),
    (409, "some_new_code", "We could not do that"),
]


@pytest.mark.parametrize(("status", "code", "words"), CODES)
def test_every_problem_is_a_page_with_words_and_a_reference(customer, fake, status, code, words):
    fake.refuse("GET", f"/v1/accounts/{identifier(LOAN)}", status, code)
    answer = customer.get(f"/accounts/{identifier(LOAN)}")
    assert answer.status_code == status
    assert words in answer.text
    assert "ref-12345678" in answer.text
    assert "1-855-885-7600" in answer.text


def test_the_sentence_of_the_api_is_shown(customer, fake):
    fake.refuse("GET", "/v1/accounts", 503, "temporarily_unavailable", detail="Back at 9.")
    assert "Back at 9." in customer.get("/dashboard").text


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ("no", "No money has moved."),
        ("yes", "Your money has moved."),
        ("unknown", "We do not know yet whether money has moved."),
    ],
)
def test_what_is_known_about_money_is_said(customer, fake, moved, words):
    fake.refuse("GET", "/v1/payments", 503, "temporarily_unavailable", money_moved=moved)
    assert words in customer.get("/payments").text


def test_a_defect_of_a_page_claims_nothing_and_gives_a_reference(customer, fake):
    fake.accounts[identifier(LOAN)]["as_of"] = None
    del fake.accounts[identifier(LOAN)]["grace"]
    answer = customer.get("/dashboard", headers={"X-Request-Id": "abcdef-123456"})
    assert answer.status_code == 500
    assert "abcdef-123456" in answer.text
    assert "No money has moved." in answer.text
    assert "Traceback" not in answer.text


def test_a_rate_limit_says_how_long_to_wait(customer, fake, monkeypatch):
    fake.refuse("GET", "/v1/accounts", 429, "rate_limited")
    assert "Please wait a moment" in customer.get("/dashboard").text


def test_a_wrong_method_says_what_is_allowed(browser):
    fields = {"csrf_token": browser.get("/login").text.split('csrf_token" value="')[1][:22]}
    answer = browser.send("/dashboard", fields)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.fixture
def nowhere():
    client = ApiClient("http://127.0.0.1:9")
    yield client
    client.close()


def test_what_was_never_sent_moved_no_money(nowhere):
    with pytest.raises(Problem) as raised:
        nowhere.call("POST", "/v1/payments", body={})
    assert (raised.value.status, raised.value.money_moved) == (503, "no")


def test_a_call_after_the_pages_deadline_is_not_made(fake):
    client = ApiClient("http://gateway.example.com", wsgi_app=fake.app)
    with pytest.raises(Problem) as raised:
        client.call("POST", "/v1/payments", body={}, within_s=0.0)
    assert (raised.value.code, raised.value.money_moved) == ("unreachable", "no")
    assert fake.calls == []
    client.close()


def test_a_gateway_inside_is_called_by_the_public_name():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"host": environ["HTTP_HOST"]}).encode()]

    client = ApiClient("http://gateway:8080", host="pay.example.com", wsgi_app=app)
    assert client.call("GET", "/v1/lender").data == {"host": "pay.example.com"}
    client.close()


def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_unknown():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ApiClient(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Problem) as raised:
            client.call("POST", "/v1/payments", body={}, within_s=0.1)
        client.close()
    assert (raised.value.status, raised.value.money_moved) == (503, "unknown")


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        ("200 OK", "text/html", b"<html>"),
        ("200 OK", "application/json", b"{"),
        ("200 OK", "application/json", b"[]"),
        ("500 Oops", "text/html", b"Traceback"),
        ("404 No", "application/json", b"null"),
    ],
)
def test_an_answer_that_is_not_the_apis_is_a_problem(status, kind, body):
    def app(environ, start_response):
        start_response(status, [("Content-Type", kind)])
        return [body]

    client = ApiClient("http://gateway.example.com", wsgi_app=app)
    with pytest.raises(Problem) as raised:
        client.call("GET", "/v1/accounts")
    assert raised.value.code == "bad_answer"
    assert raised.value.status >= 500
    client.close()
