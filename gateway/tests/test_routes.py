"""Every address has one owner: the longest prefix of whole segments decides."""

from __future__ import annotations

import pytest
from carport.gateway.routes import PORTAL, ROUTES, SERVICES, Table

SANDBOX = Table(has_sandbox=True)
PRODUCTION = Table(has_sandbox=False)


@pytest.mark.parametrize(
    ("path", "upstream"),
    [
        ("/v1/auth/tokens", "auth"),
        ("/v1/auth/me", "auth"),
        ("/.well-known/jwks.json", "auth"),
        ("/v1/staff/users", "auth"),
        ("/v1/sandbox/demo", "auth"),
        ("/v1/accounts/x/transactions", "accounts"),
        ("/v1/lender", "accounts"),
        ("/v1/customers/me", "accounts"),
        ("/v1/staff/accounts", "accounts"),
        ("/v1/staff/accounts/x", "accounts"),
        ("/v1/staff/trial-balance", "accounts"),
        ("/v1/staff/day-closes/2025-05-01/override", "accounts"),
        ("/v1/sandbox/clock", "accounts"),
        ("/v1/payments", "payments"),
        ("/v1/payment-methods/x", "payments"),
        ("/v1/autopay/x", "payments"),
        ("/v1/staff/ach-files", "payments"),
        ("/v1/sandbox/bank/returns", "payments"),
        ("/v1/sandbox/lockbox", "payments"),
        ("/v1/alerts/preferences", "notifications"),
        ("/v1/messages", "notifications"),
        ("/v1/sandbox/mailbox", "notifications"),
        ("/v1/leases/x", "lease"),
        ("/docs", "gateway"),
        ("/openapi.json", "gateway"),
        ("/status", "gateway"),
        ("/", "portal"),
        ("/login", "portal"),
        ("/static/app.css", "portal"),
        ("/v1x", "portal"),
        ("/docsx", "portal"),
    ],
)
def test_an_address_goes_to_its_owner(path, upstream):
    assert SANDBOX.find(path).upstream == upstream


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/paymentsx", "/.well-known/x"])
def test_an_address_of_the_api_that_is_nobodys_is_nobodys(path):
    assert SANDBOX.find(path) is None


def test_the_sandbox_is_not_there_in_production():
    for route in ROUTES:
        if route.who == "sandbox":
            assert SANDBOX.find(route.prefix) == route
            assert PRODUCTION.find(route.prefix) is None


def test_only_these_are_open_to_everybody():
    public = {route.prefix for route in ROUTES if route.who == "public"}
    assert public == {
        "/docs", "/openapi.json", "/status", "/.well-known/jwks.json", "/v1/auth", "/v1/lender",
        "/v1/webhooks/stripe", "/v1/unsubscribe", "/v1/webhooks/twilio",
    }  # fmt: skip


def test_what_moves_money_says_so():
    assert SANDBOX.find("/v1/payments/x/cancellation").money
    assert SANDBOX.find("/v1/autopay/x").money
    assert not SANDBOX.find("/v1/messages").money
    assert not PORTAL.money


def test_the_table_names_only_services_that_exist_and_no_prefix_twice():
    assert {route.upstream for route in ROUTES} == {*SERVICES, "gateway"}
    assert len({route.prefix for route in ROUTES}) == len(ROUTES)
