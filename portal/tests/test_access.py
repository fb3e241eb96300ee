"""Getting in and out: registration, mailed links, sign-in, sessions, the password."""

from __future__ import annotations

import pytest
from fake_data import identifier
from fake_gateway import PASSWORD
from portal_browser import HTTPS, Browser

PERSON = {
    "account_number": "2200417783",
    "last_name": "Rivera",
    "zip": "75001",
    "ssn_last4": "1234",
    "email": "jordan@example.com",
    "password": "seven quiet rivers run",
    "agree": "yes",
}


def test_registering_sends_the_terms_that_were_shown(browser, fake):
    answer = browser.submit("/register", "/register", **PERSON)
    assert answer.location == "/register/sent"
    (sent,) = fake.called("POST", "/v1/auth/registrations")
    assert sent == {n: v for n, v in PERSON.items() if n != "agree"} | {"terms_version": "2025-01"}
    assert "jordan@example.com" in browser.get("/register/sent").text


def test_registering_needs_consent_and_keeps_what_was_typed(browser, fake):
    answer = browser.submit("/register", "/register", **PERSON | {"agree": ""})
    assert answer.status_code == 422
    assert 'value="Rivera"' in answer.text
    assert PERSON["password"] not in answer.text
    assert fake.called("POST", "/v1/auth/registrations") == []


def test_a_refused_field_is_marked_where_it_is(browser, fake):
    error = {"pointer": "/password", "code": "weak_password", "detail": "Leave out your name."}
    fake.refuse("POST", "/v1/auth/registrations", 422, "weak_password", errors=[error])
    html = browser.submit("/register", "/register", **PERSON).text
    assert 'aria-describedby="h-password e-password"' in html
    assert "Leave out your name." in html


def test_a_refused_form_is_told_in_words_and_not_by_the_names_of_the_api(browser, fake):
    detail = "This text does not have the form expected here."
    error = {"pointer": "/zip", "code": "invalid_value", "detail": detail}
    fake.refuse(
        "POST", "/v1/auth/registrations", 422, "invalid_value",
        detail=f"/zip: {detail}", errors=[error],
    )  # fmt: skip
    html = browser.submit("/register", "/register", **PERSON).text
    assert "Enter five digits" in html
    assert "/zip:" not in html


def test_a_password_is_sent_exactly_as_typed(browser, fake):
    browser.log_in(password="  blanks count  ")
    assert fake.called("POST", "/v1/auth/tokens")[0]["password"] == "  blanks count  "


def test_opening_the_mailed_link_changes_nothing_until_the_button(browser, fake):
    answer = browser.get("/verify?token=good-token")
    assert answer.location == "/verify"
    page = browser.get("/verify")
    assert "good-token" not in page.text
    assert fake.called("POST", "/v1/auth/email-verifications") == []
    assert browser.submit("/verify", "/verify").location == "/login"
    assert fake.called("POST", "/v1/auth/email-verifications") == [{"token": "good-token"}]
    assert "is confirmed" in browser.get("/login").text


def test_a_used_link_says_so_and_offers_a_new_one(browser):
    browser.get("/verify?token=used")
    answer = browser.submit("/verify", "/verify")
    assert answer.status_code == 400
    assert "This link does not work any more" in answer.text
    assert "Register again" in answer.text


def test_a_taken_username_asks_for_another_and_keeps_the_link(browser, fake):
    fake.refuse("POST", "/v1/auth/email-verifications", 409, "username_taken")
    browser.get("/verify?token=good-token")
    answer = browser.submit("/verify", "/verify")
    assert "Another username" in answer.text
    fake.refusals.clear()
    token = browser.client.get("/verify", base_url=HTTPS).text.split('csrf_token" value="')[1][:22]
    assert browser.send("/verify", {"csrf_token": token, "username": "jr"}).location == "/login"
    assert fake.called("POST", "/v1/auth/email-verifications")[-1]["username"] == "jr"


def test_a_new_password_is_set_by_the_mailed_link(browser, fake):
    browser.get("/reset-password?token=good-token")
    answer = browser.submit("/reset-password", "/reset-password", password="many new words here")
    assert answer.location == "/login"
    sent = fake.called("POST", "/v1/auth/password-resets/confirmations")
    assert sent == [{"token": "good-token", "password": "many new words here"}]


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/forgot-password", "/v1/auth/password-resets"),
        ("/forgot-username", "/v1/auth/username-reminders"),
    ],
)
def test_forgetting_answers_the_same_for_every_address(browser, fake, page, path):
    answer = browser.submit(page, page, email="who@example.com")
    assert answer.status_code == 303
    assert "If we know" in browser.get(answer.location).text
    assert fake.called("POST", path) == [{"email": "who@example.com"}]


def test_a_wrong_password_is_told_in_words_with_a_reference(browser):
    answer = browser.log_in(password="wrong")
    assert answer.status_code == 401
    assert "That did not match" in answer.text
    assert "ref-12345678" in answer.text


def test_signing_in_gives_a_new_session_and_kills_the_old_one(portal):
    app = portal()
    victim, attacker = Browser(app), Browser(app)
    attacker.get("/login")
    fixed = attacker.cookie("__Host-carport").value
    victim.client.set_cookie("__Host-carport", fixed, domain="pay.example.com", secure=True)
    assert victim.log_in().status_code == 303
    assert victim.cookie("__Host-carport").value != fixed
    attacker.get("/login")
    assert attacker.cookie("__Host-carport").value != fixed
    assert attacker.get("/dashboard").status_code == 303
    assert victim.get("/dashboard").status_code == 200


def test_an_id_that_came_from_a_browser_is_never_taken_over(portal):
    browser = Browser(portal())
    browser.client.set_cookie("__Host-carport", "A" * 22, domain="pay.example.com", secure=True)
    browser.get("/login")
    assert browser.cookie("__Host-carport").value != "A" * 22


def test_signing_out_kills_the_session_here_and_at_auth(customer, fake):
    old = customer.cookie("__Host-carport").value
    assert customer.submit("/dashboard", "/logout").location == "/login"
    assert fake.called("DELETE", "/v1/auth/sessions/current") == [None]
    customer.client.set_cookie("__Host-carport", old, domain="pay.example.com", secure=True)
    assert customer.get("/dashboard").status_code == 303


def test_signing_out_works_while_auth_does_not_answer(customer, fake):
    fake.refuse("DELETE", "/v1/auth/sessions/current", 503, "temporarily_unavailable")
    assert customer.submit("/dashboard", "/logout").status_code == 303
    assert customer.get("/dashboard").status_code == 303


def test_a_session_ended_elsewhere_leads_to_sign_in_with_words(customer, fake):
    fake.access = fake.refresh = "ended"
    answer = customer.get("/dashboard")
    assert answer.location == "/login?next=/dashboard"
    assert "You were signed out" in customer.get(answer.location).text


def test_sessions_are_listed_and_ended(customer, fake):
    assert "An app" in customer.get("/security").text
    customer.submit("/security", f"/security/sessions/{identifier(71)}/end")
    assert [s["id"] for s in fake.sessions] == [identifier(70), identifier(72)]
    customer.submit("/security", "/security/sessions/end-others")
    assert [s["id"] for s in fake.sessions] == [identifier(70)]


def test_changing_the_password_asks_for_the_present_one(customer, fake):
    fake.stepped_up = False
    new = "three other words entirely"
    answer = customer.submit(
        "/security", "/security/password", current_password="wrong", password=new
    )
    assert answer.status_code == 401
    assert "This is not your password." in answer.text
    assert fake.called("PUT", "/v1/auth/me/password") == []
    answer = customer.submit(
        "/security", "/security/password", current_password=PASSWORD, password=new
    )
    assert answer.status_code == 303
    assert fake.called("PUT", "/v1/auth/me/password") == [{"password": new}]
    assert customer.get("/dashboard").status_code == 200


def test_another_account_is_linked_and_seen_at_once(customer, fake):
    proof = {name: PERSON[name] for name in ("account_number", "last_name", "zip", "ssn_last4")}
    answer = customer.submit("/link-account", "/link-account", **proof)
    assert answer.location == "/dashboard"
    assert fake.called("POST", "/v1/auth/account-links") == [proof]
    assert fake.refreshes == 1
    assert "The account is linked." in customer.get("/dashboard").text


def test_what_matches_no_contract_says_what_to_check(customer):
    answer = customer.submit("/link-account", "/link-account", account_number="1", zip="75001")
    assert answer.status_code == 422
    assert "We found no contract like that" in answer.text
