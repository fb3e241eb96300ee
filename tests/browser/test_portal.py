"""The main job in a browser, on a desktop and on a phone."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect
from support.client import PASSWORD, SAMPLE_LEASE, contract, eventually


def submit(page, name):
    page.get_by_role("button", name=name).first.click()


def register(page, api, document, email):
    who = document["customers"][0]
    page.goto("/register")
    for label, value in {
        "Account number": document["account_number"], "Last name": who["last_name"],
        "ZIP code": who["address"]["zip"], "Last 4 of your SSN": who["ssn_last4"],
        "E-mail": email,
    }.items():  # fmt: skip
        page.get_by_label(label, exact=True).fill(value)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_label("I agree").check()
    submit(page, "Register")
    expect(page.locator("main")).to_contain_text("mail")
    page.goto(api.link_from_mail(email, "/verify?token="))
    submit(page, "Confirm my e-mail")


def log_in(page, email):
    page.goto("/login")
    page.get_by_label("E-mail or username").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(page, "Sign in")
    expect(page).to_have_url(re.compile("/dashboard"))


@pytest.fixture
def customer(page, api, staff):
    """A new contract whose customer has registered and logged in through the pages."""
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    email = f"{uuid.uuid4().hex}@example.com"
    probe = f"{uuid.uuid4().hex}@example.com"
    api.ask_to_register(document, probe)
    eventually(lambda: api.has_mails(probe, 1))
    register(page, api, document, email)
    log_in(page, email)
    return account_id, email


@pytest.mark.timeout(180)
def test_a_customer_registers_pays_and_watches_the_receipt_turn_posted(page, api, customer):
    account_id, email = customer
    expect(page.locator("main")).to_contain_text("$586.84")

    page.goto(f"/pay?account={account_id}")
    page.get_by_label("Routing number").fill("021000021")
    page.get_by_label("Account number").fill("4000123456")
    page.get_by_label("Name on the account").fill("Maya Brooks")
    submit(page, "Review payment")
    expect(page.locator("main")).to_contain_text("Where your money will go")
    submit(page, "Pay $586.84")

    expect(page).to_have_url(re.compile("/payments/"))
    page.evaluate("window.stillTheSamePage = true")
    expect(page.get_by_role("status").first).to_contain_text("posted", timeout=15_000)
    number = page.locator("code.confirmation").inner_text()

    page.goto("/messages")
    page.get_by_text("Payment of $586.84 received").first.click()
    expect(page.locator("main")).to_contain_text(number)
    eventually(lambda: [m for m in api.mails(email) if number in m["text"]], "the receipt by mail")

    page.goto(f"/accounts/{account_id}")
    expect(page.locator("main")).to_contain_text("$586.84")

    page.goto("/security")
    page.locator("form[action='/logout'] button").first.dispatch_event("click")
    expect(page).not_to_have_url(re.compile("/security"))
    page.goto("/dashboard")
    expect(page).to_have_url(re.compile("/login"))


def test_no_token_reaches_the_browser(page, customer):
    cookies = page.context.cookies()
    assert {cookie["name"] for cookie in cookies} == {"carport", "carport-device"}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies)
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "eyJ" not in stored + page.content() + str(cookies)


def test_nothing_is_wider_than_the_screen_on_any_page(page, customer):
    account_id, _ = customer
    for path in ("/", "/help", "/terms", "/dashboard", f"/accounts/{account_id}",
                 f"/accounts/{account_id}/schedule", "/pay", "/payments", "/messages",
                 "/payment-methods", "/alerts", "/security"):  # fmt: skip
        page.goto(path)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, path


def test_a_lessee_sees_options_with_reasons_on_the_lease_end_page(page, api, staff):
    document = contract(SAMPLE_LEASE)
    account_id = staff.board(document)["id"]
    email = f"{uuid.uuid4().hex}@example.com"
    api.register(document, email)
    log_in(page, email)
    page.goto(f"/accounts/{account_id}/lease-end")
    for words in ("January 1, 2028", "Buy", "Extend", "miles"):
        expect(page.locator("main")).to_contain_text(words)


def test_a_wrong_password_is_refused_in_plain_words_with_a_reference(page):
    page.goto("/login")
    page.get_by_label("E-mail or username").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("wrong password of some length")
    submit(page, "Sign in")
    expect(page).to_have_url(re.compile("/login"))
    expect(page.locator("main")).to_contain_text("Reference")
