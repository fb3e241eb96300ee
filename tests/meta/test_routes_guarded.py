"""Every route of every service demands somebody, or is listed here as open to everybody."""

from __future__ import annotations

import re

import pytest
from carport.shared import testing, web
from carport.shared.db import Runtime, make_engine

STAFF = {"agent", "supervisor", "operator", "staff"}
ALREADY_REPEATABLE = ("/cancellation",)  # a second one finds the first one's state
PLUMBING = {"/openapi.json", "/healthz", "/readyz"}
PUBLIC = {
    "auth": {
        "GET /.well-known/jwks.json",
        "GET /v1/auth/terms",
        "POST /v1/auth/registrations",
        "POST /v1/auth/email-verifications",
        "POST /v1/auth/tokens",
        "POST /v1/auth/password-resets",
        "POST /v1/auth/password-resets/confirmations",
        "POST /v1/auth/username-reminders",
    },
    "accounts": {"GET /v1/lender"},
}


@pytest.fixture
def app(service, tmp_path):
    settings = testing.settings(service.name, tmp_path)
    engine = make_engine(settings.database_url)
    yield web.create_app(Runtime(service, settings, engine))
    engine.dispose()


def routes(app):
    """``(method, rule, access or None)`` of everything the application answers."""
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "access", None)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield method, rule, access


def demanded(access):
    return {access.who} if isinstance(access.who, str) else set(access.who)


def test_only_listed_routes_are_open(app):
    name = app.name.removeprefix("carport.")
    unguarded = {rule.rule for _, rule, access in routes(app) if access is None}
    assert unguarded == PLUMBING
    opened = {f"{m} {r.rule}" for m, r, access in routes(app) if access and access.who == "public"}
    assert opened == PUBLIC.get(name, set())


def test_paths_and_roles_agree(app):
    for method, rule, access in routes(app):
        where = f"{method} {rule.rule}"
        if access is not None and access.who != "public":
            is_staff = rule.rule.startswith("/v1/staff/")
            assert (access.who == "sandbox") == rule.rule.startswith("/v1/sandbox/"), where
            assert (demanded(access) <= STAFF) == is_staff, where


def test_an_account_in_the_path_must_be_the_callers(app):
    for method, rule, access in routes(app):
        if access is not None and "account_id" in rule.arguments and "customer" in demanded(access):
            assert access.owns == "account_id", f"{method} {rule.rule}"


def test_posts_that_create_where_money_may_move_need_an_idempotency_key(app):
    for method, rule, access in routes(app):
        creates = method == "POST" and not rule.rule.endswith(ALREADY_REPEATABLE)
        if access is not None and access.money and access.needs_token and creates:
            assert access.idempotent, f"{method} {rule.rule}"


def test_without_a_token_a_guarded_route_answers_401(app):
    client = app.test_client()
    for method, rule, access in routes(app):
        if access is not None and access.needs_token:
            path = re.sub(r"<[^>]+>", "018f0000-0000-7000-8000-000000000000", rule.rule)
            media = {"Content-Type": access.consumes, "Accept": access.produces}
            answer = client.open(path, method=method, headers=media, data=b"{}")
            assert answer.status_code == 401, f"{method} {rule.rule}: {answer.status_code}"
