"""What protects the pages: headers, cookies, form tokens, redirects, tokens that stay inside."""

from __future__ import annotations

import threading
import time

import pytest
from carport.portal.browser import Browser as RequestBrowser
from carport.portal.security import CONTENT_SECURITY_POLICY
from fake_data import LOAN, identifier
from flask import g
from portal_browser import HTTPS, LOCAL, Browser, Form

ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/login", 200),
    ("GET", "/dashboard", 303),
    ("GET", "/nothing-here", 404),
    ("GET", "/brand.css", 200),
    ("GET", "/icon.svg", 200),
    ("GET", "/manifest.webmanifest", 200),
    ("GET", "/healthz", 200),
    ("POST", "/login", 403),
    ("PUT", "/login", 403),
    ("DELETE", "/", 403),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_carries_the_protecting_headers(browser, method, path, status):
    answer = browser.client.open(path, method=method, base_url=HTTPS)
    assert answer.status_code == status
    headers = answer.headers
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "includeSubDomains" in headers["Strict-Transport-Security"]
    assert "Access-Control-Allow-Origin" not in headers


def test_no_policy_allows_inline_code():
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    for part in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action"):
        assert part in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("path", ["/dashboard", f"/accounts/{identifier(LOAN)}", "/login", "/pay"])
def test_pages_are_never_stored(customer, path):
    assert customer.get(path).headers["Cache-Control"] == "no-store"


def test_nothing_on_any_page_is_inline_or_foreign(customer):
    for path in ("/dashboard", f"/accounts/{identifier(LOAN)}", "/pay", "/help", "/security"):
        html = customer.get(path).text
        for forbidden in (
            " style=",
            "<style",
            " onclick",
            " onload",
            "<script>",
            'src="http',
            "//cdn",
        ):
            assert forbidden not in html


def test_cookies_are_host_only_secure_and_out_of_reach(customer):
    for name in ("__Host-carport", "__Host-carport-device"):
        cookie = customer.cookie(name)
        assert (cookie.secure, cookie.http_only, cookie.path) == (True, True, "/")
        assert cookie.same_site == "Lax"
        assert cookie.domain_specified is False if hasattr(cookie, "domain_specified") else True
        assert len(cookie.value) == 22


def test_only_plain_http_on_this_machine_has_a_cookie_without_secure(portal):
    local = Browser(portal(LOCAL), LOCAL)
    local.get("/login")
    assert local.cookie("carport").secure is False
    assert local.cookie("carport").http_only is True
    remote = Browser(portal("http://pay.example.com"), HTTPS)
    remote.get("/login")
    assert remote.cookie("__Host-carport").secure is True


def test_reading_a_public_page_stores_nothing(browser):
    for path in ("/", "/help", "/terms"):
        assert "Set-Cookie" not in browser.get(path).headers


def test_no_token_is_in_a_page_or_a_cookie(customer, fake):
    pages = ["/dashboard", "/pay", "/security", "/payments", f"/accounts/{identifier(LOAN)}"]
    seen = "".join(customer.get(p).text + str(customer.get(p).headers) for p in pages)
    seen += customer.cookie("__Host-carport").value
    for token in (fake.access, fake.refresh):
        assert token not in seen


def test_no_token_is_readable_in_the_sessions_file(customer, fake, tmp_path):
    kept = b"".join(file.read_bytes() for file in (tmp_path / "portal").iterdir())
    assert kept
    for secret in (fake.access, fake.refresh, customer.cookie("__Host-carport").value):
        assert secret.encode() not in kept


POSTS = [
    "/login",
    "/logout",
    "/register",
    "/verify",
    "/forgot-password",
    "/forgot-username",
    "/reset-password",
    "/pay",
    "/pay/preview",
    "/pay/review/key",
    "/payment-methods/new",
    f"/payment-methods/{identifier(40)}/remove",
    f"/payments/{identifier(501)}/cancel",
    f"/messages/{identifier(60)}/read",
    "/alerts",
    "/link-account",
    "/security/password",
    "/security/sessions/end-others",
    f"/security/sessions/{identifier(71)}/end",
]


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_the_forms_token_is_refused(customer, fake, path):
    before = len(fake.calls)
    answer = customer.send(path, {"user_id": "x"})
    assert answer.status_code == 403
    assert "nothing was changed" in answer.text
    assert [call for call in fake.calls[before:] if call[0] != "GET"] == []


def test_every_route_that_changes_something_is_in_that_list(portal):
    rules = {r.rule for r in portal().url_map.iter_rules() if r.methods & {"POST", "PUT", "DELETE"}}
    assert len(rules) == len(POSTS)


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "https://pay.example.com.evil.example.com", ""]
)
def test_a_post_from_elsewhere_is_refused_even_with_the_token(customer, origin):
    fields = Form(customer.get("/dashboard").text, "/logout").fields
    assert customer.send("/logout", fields, Origin=origin).status_code == 403
    assert customer.get("/dashboard").status_code == 200


def test_fetch_metadata_stands_in_for_a_missing_origin(customer):
    fields = Form(customer.get("/dashboard").text, "/logout").fields
    answer = customer.send("/logout", fields, Origin="", Sec_Fetch_Site="same-origin")
    assert answer.status_code == 303


def test_the_token_of_another_session_is_refused(customer, portal):
    other = Browser(portal())
    fields = Form(other.get("/login").text, "/login").fields
    assert customer.send("/logout", fields).status_code == 403


def test_json_and_text_bodies_are_no_forms(customer):
    fields = Form(customer.get("/dashboard").text, "/logout").fields
    for kind in ("text/plain", "application/json"):
        body = f"csrf_token={fields['csrf_token']}"
        assert customer.send("/logout", body, Content_Type=kind).status_code == 403


REDIRECTS = [
    "https://evil.example.com/",
    "//evil.example.com",
    "///evil.example.com",
    "//dashboard",
    "///dashboard",
    "/\\evil.example.com",
    "\\\\evil.example.com",
    "/%09/evil.example.com",
    "/%2f%2fevil.example.com",
    "http:evil.example.com",
    "javascript:alert(1)",
    "/dashboard\r\nSet-Cookie: a=b",
    "/dashboard\t",
    " /dashboard",
    "dashboard",
    "",
    "/nothing-here",
    "/login",
    "/logout",
    "/verify?token=x",
    "/%64ashboard",
    "/v1/accounts",
    "/dashboard@evil.example.com",
    "/döner",
]


@pytest.mark.parametrize("target", REDIRECTS)
def test_signing_in_never_leads_off_our_own_pages(browser, target):
    assert browser.log_in(next=target).location == "/dashboard"


@pytest.mark.parametrize("target", REDIRECTS)
def test_the_sign_in_page_carries_no_foreign_target(browser, target):
    html = browser.get("/login", query_string={"next": target}).text
    assert 'name="next"' not in html


def test_signing_in_leads_back_to_an_own_page(browser):
    target = f"/pay?account={identifier(LOAN)}"
    assert browser.log_in(next=target).location == target


def test_an_access_token_is_refreshed_once_for_many_requests_at_once(portal, fake):
    fake.access_s = 5
    app = portal()
    customer = Browser(app)
    customer.log_in()
    fake.access_s = 600
    cookie = customer.cookie("__Host-carport").value
    statuses = []
    gate = threading.Barrier(6)

    def ask():
        one = Browser(app)
        one.client.set_cookie("__Host-carport", cookie, domain="pay.example.com", secure=True)
        gate.wait()
        statuses.append(one.get("/dashboard").status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6
    assert fake.refreshes == 1


def test_a_request_that_waited_for_a_refresh_uses_its_tokens(customer, fake):
    app = customer.client.application
    cookie = f"__Host-carport={customer.cookie('__Host-carport').value}"
    fake.access = "rotated"
    with app.test_request_context("/", base_url=HTTPS, headers={"Cookie": cookie}):
        g.request_id = "abcdefgh"
        parts = app.extensions["portal"]
        early, late = (RequestBrowser(parts.store, parts.api, parts.cookies) for _ in range(2))
        early.call("GET", "/v1/accounts")
        late.call("GET", "/v1/accounts")
    assert fake.refreshes == 1


def test_a_token_the_api_no_longer_takes_is_refreshed_silently(customer, fake):
    fake.access = "rotated"
    assert customer.get("/dashboard").status_code == 200
    assert fake.refreshes == 1


def test_an_outage_of_auth_does_not_sign_anybody_out(customer, fake):
    fake.access = "rotated"
    fake.refuse("POST", "/v1/auth/tokens", 503, "temporarily_unavailable")
    assert customer.get("/dashboard").status_code == 503
    fake.refusals.clear()
    assert customer.get("/dashboard").status_code == 200


@pytest.mark.parametrize(("wait", "status"), [(29 * 60, 200), (31 * 60, 303)])
def test_an_idle_session_ends(customer, monkeypatch, wait, status):
    present = time.time()
    store = customer.client.application.extensions["portal"].store
    monkeypatch.setattr(store, "_now", lambda: present + wait)
    assert customer.get("/dashboard").status_code == status


def test_a_session_ends_after_a_day_however_busy(customer, monkeypatch):
    present = time.time()
    store = customer.client.application.extensions["portal"].store
    for minutes in range(20, 24 * 60, 20):
        monkeypatch.setattr(store, "_now", lambda now=present + minutes * 60: now)
        assert store.load(customer.cookie("__Host-carport").value) is not None
    monkeypatch.setattr(store, "_now", lambda: present + 24 * 3600)
    assert customer.get("/dashboard").status_code == 303


def test_what_the_client_says_about_its_address_and_request_is_not_trusted(customer, fake):
    customer.get("/dashboard", headers={"X-Forwarded-For": "6.6.6.6", "X-Request-Id": "<x>"})
    headers = fake.calls[-1][3]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert "<" not in headers["X-Request-Id"]


def test_a_form_that_is_too_large_is_refused_in_words(customer):
    answer = customer.send("/pay", {"csrf_token": "x" * 70_000})
    assert answer.status_code == 413
    assert "That is too much text" in answer.text
