"""Every route of a service is reached through the gateway; every page of the portal is guarded."""

from __future__ import annotations

import re

import pytest
from carport.gateway.routes import Table
from carport.portal.api import ApiClient
from carport.portal.app import create_app
from carport.shared.config import Settings
from flask import Flask

URL = "https://carport.example.com"
SOME_ID = "018f0000-0000-7000-8000-000000000000"
OPEN_PAGES = {"access", "assets", "brand", "home", "sandbox"}  # blueprints


def filled(rule):
    return re.sub(r"<[^>]+>", SOME_ID, rule.rule)


@pytest.fixture
def asked():
    return set()


@pytest.fixture
def portal(tmp_path, asked):
    def away(environ, start_response):
        asked.add(environ["PATH_INFO"])
        start_response("503 Service Unavailable", [("Content-Type", "application/problem+json")])
        return [b"{}"]

    settings = Settings(service="portal", database_url="", home=tmp_path, public_base_url=URL)
    app = create_app(settings, ApiClient(URL, wsgi_app=away))
    yield app
    app.extensions["portal"].store.close()
    app.extensions["portal"].api.close()


def views(service):
    """The views of the service's blueprints with their rules."""
    app = Flask("routes", static_folder=None)
    for blueprint in service.blueprints:
        app.register_blueprint(blueprint)
    for rule in app.url_map.iter_rules():
        yield app.view_functions[rule.endpoint], rule


def test_the_gateway_sends_every_route_to_the_service_that_has_it(service):
    table = Table(has_sandbox=True)
    for view, rule in views(service):
        route = table.find(filled(rule))
        assert route is not None, f"{service.name} {rule.rule}"
        assert route.upstream == service.name, rule.rule
        if not view.access.needs_token:
            assert route.who == view.access.who, rule.rule


def test_without_a_session_a_page_leads_to_sign_in(portal, asked):
    rules = [r for r in portal.url_map.iter_rules() if r.endpoint.split(".")[0] not in OPEN_PAGES]
    assert rules
    for rule in rules:
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = portal.test_client().open(
                filled(rule), method=method, base_url=URL, headers={"Origin": URL}
            )
            where = answer.headers.get("Location", "")
            assert answer.status_code in ({303} if method == "GET" else {303, 400, 403}), rule.rule
            assert where.startswith("/login") or answer.status_code != 303, rule.rule
    assert asked <= {"/v1/lender"}
