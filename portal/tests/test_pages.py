"""Every page, for every standing an account can be in."""

from __future__ import annotations

import pytest
from fake_data import (
    CREDIT,
    GRACE,
    LATE,
    LEASE,
    LOAN,
    PAID_OFF,
    QUIET,
    identifier,
)

STANDINGS = [LOAN, LEASE, LATE, GRACE, PAID_OFF, CREDIT, QUIET]
PUBLIC = ["/", "/login", "/register", "/forgot-password", "/forgot-username", "/help", "/terms"]
PRIVATE = [
    "/dashboard",
    f"/accounts/{identifier(LOAN)}",
    f"/accounts/{identifier(LOAN)}/history",
    f"/accounts/{identifier(LOAN)}/schedule",
    f"/accounts/{identifier(LEASE)}/lease-end",
    "/pay",
    "/payments",
    "/payment-methods",
    "/payment-methods/new",
    "/messages",
    f"/messages/{identifier(60)}",
    "/alerts",
    "/link-account",
    "/security",
]


@pytest.mark.parametrize("path", [*PUBLIC, "/service-status", "/verify", "/reset-password"])
def test_anybody_can_open_a_public_page(browser, path):
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("path", PRIVATE)
def test_a_customer_can_open_every_page(customer, path):
    assert customer.get(path).status_code == 200


@pytest.mark.parametrize("path", PRIVATE)
def test_a_private_page_leads_to_sign_in_and_back(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 303
    assert answer.location == f"/login?next={path}"
    assert (
        browser.submit(answer.location, "/login", user_id="jordan", password="no").status_code
        == 401
    )
    back = browser.submit(
        answer.location, "/login", user_id="jordan", password="correct horse battery"
    )
    assert back.location == path


@pytest.mark.parametrize("number", STANDINGS)
@pytest.mark.parametrize(
    "page", ["/dashboard", "/accounts/{}", "/accounts/{}/schedule", "/pay?account={}"]
)
def test_pages_render_for_every_standing(customer, fake, number, page):
    fake.visible = [identifier(number)]
    assert customer.get(page.format(identifier(number))).status_code == 200


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (LOAN, ["Next payment", "$586.84", "May 24, 2025", "in 23 days", "On track"]),
        (LEASE, ["$507.72", "Due soon", "Co-borrower", "Lease end"]),
        (LATE, ["Past due", "37 days late", "$25.00 in fees"]),
        (GRACE, ["In grace period", "Pay by <strong>May 4, 2025</strong>", "no late fee"]),
        (PAID_OFF, ["Paid off", "nothing is owed"]),
        (CREDIT, ["Paid off", "$125.50 is yours"]),
        (QUIET, ["Nothing due"]),
    ],
)
def test_the_dashboard_says_where_an_account_stands(customer, fake, number, words):
    fake.visible = [identifier(number)]
    html = customer.get("/dashboard").text
    assert [word for word in words if word not in html] == []


def test_a_lease_that_is_over_and_paid_asks_for_no_payment(customer, fake):
    account_id = identifier(LEASE)
    fake.visible = [account_id]
    fake.accounts[account_id] |= {
        "payoff": 0, "balance": 0, "next_due": None, "maturity_date": "2025-04-01"
    }  # fmt: skip
    for page in ("/dashboard", f"/accounts/{account_id}"):
        html = customer.get(page).text
        assert "Lease ended" in html
        assert "Make a payment" not in html
    assert "Nothing to pay" in customer.get(f"/pay?account={account_id}").text


def test_the_account_page_adds_up_to_the_balance(customer):
    html = customer.get(f"/accounts/{identifier(LOAN)}").text
    for part in ("$28,788.18", "$35.83", "$28,824.01", "$5.1188", "6.49%"):
        assert part in html


def test_history_goes_on_by_cursor(customer, fake):
    html = customer.get(f"/accounts/{identifier(LOAN)}").text
    assert "cursor=10" in html
    older = customer.get(f"/accounts/{identifier(LOAN)}/history?cursor=10").text
    assert "Contract opened" in older
    assert "Show older entries" not in older


def test_an_account_with_nothing_yet_says_so(customer, fake):
    fake.transactions[identifier(LOAN)] = []
    assert "Nothing has happened" in customer.get(f"/accounts/{identifier(LOAN)}").text


def test_the_account_page_stands_when_history_cannot_be_had(customer, fake):
    where = f"/v1/accounts/{identifier(LOAN)}/transactions"
    fake.refuse("GET", where, 503, "temporarily_unavailable")
    answer = customer.get(f"/accounts/{identifier(LOAN)}")
    assert answer.status_code == 200
    assert "$28,824.01" in answer.text
    assert "cannot be shown right now" in answer.text


def test_pages_stand_when_messages_and_lender_do_not_answer(customer, fake):
    fake.refuse("GET", "/v1/messages/unread-count", 503, "temporarily_unavailable")
    fake.refuse("GET", "/v1/lender", 503, "temporarily_unavailable")
    assert customer.get("/dashboard").status_code == 200


def test_lease_end_says_what_is_open_and_why_the_rest_is_not(customer):
    html = customer.get(f"/accounts/{identifier(LEASE)}/lease-end").text
    for word in ("March 1, 2026", "Opens December 1, 2025", "A rental is past due.", "$25,966.42"):
        assert word in html
    assert "30,012 miles" in html


def test_the_help_page_shows_each_address_for_its_purpose(browser):
    html = browser.get("/help").text
    for word in ("1-855-885-7600", "P.O. Box 660891", "Overnight", "paying off", "memo line"):
        assert word in html
    assert "8:00 PM" in html


def test_a_message_says_why_it_came_and_is_marked_by_a_button_only(customer, fake):
    page = f"/messages/{identifier(60)}"
    assert "Because a payment was posted" in customer.get(page).text
    assert not fake.messages[0]["read"]
    customer.submit(page, f"{page}/read")
    assert fake.messages[0]["read"]


def test_alerts_are_saved_with_the_version_that_was_shown(customer, fake):
    answer = customer.submit("/alerts", "/alerts", **{"payment_due.email": None, "days.3": "on"})
    assert answer.status_code == 303
    due, _, returned = fake.preferences["events"]
    assert due == {
        "event": "payment_due",
        "channels": {"email": False, "text": False, "inbox": True},
    }
    assert returned["channels"]["email"] is True
    assert fake.preferences["days_ahead"] == [10, 3, 0]


def test_alerts_changed_elsewhere_are_not_overwritten(customer, fake):
    answer = customer.submit("/alerts", "/alerts", etag='"old"')
    assert answer.status_code == 412
    assert "These settings changed meanwhile" in answer.text


def test_the_sandbox_has_a_mailbox_and_production_has_none(portal, browser):
    assert browser.get("/sandbox/mailbox").status_code == 404
    app = portal("http://localhost:8080", "sandbox")
    html = app.test_client().get("/sandbox/mailbox", base_url="http://localhost:8080").text
    assert "Confirm your e-mail address" in html
    assert "/verify?token=good-token" in html
    assert 'href="javascript:' not in html


def test_the_status_page_tells_which_parts_work(browser):
    html = browser.get("/service-status").text
    assert "Does not answer" in html
    assert "Payments you have confirmed are stored" in html


def test_an_id_in_another_spelling_is_no_page(customer):
    for path in ("/accounts/x.css", f"/accounts/{identifier(LOAN).upper()}", "/accounts/1"):
        assert customer.get(path).status_code == 404


def test_assets_are_cached_for_good_under_their_hash(browser):
    page = browser.get("/").text
    sheet = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = browser.get(sheet)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    stale = browser.get("/assets/0123456789abcdef/portal.css")
    assert "immutable" not in stale.headers["Cache-Control"]
    assert browser.get("/assets/0123456789abcdef/../app.py").status_code == 404
