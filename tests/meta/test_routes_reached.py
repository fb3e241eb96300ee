"""Every route of every service is reached through the gateway, which asks for a token where the
route does."""

from __future__ import annotations

import pytest
from carport.gateway.routes import ROUTES, Table
from flask import Flask

OWN = {"docs", "openapi.json", "status"}


@pytest.fixture(scope="module")
def rules(services):
    """(service, path, access) of every route."""
    found = []
    for name, service in services.items():
        app = Flask(name)
        for blueprint in service.blueprints:
            app.register_blueprint(blueprint)
        for rule in app.url_map.iter_rules():
            access = getattr(app.view_functions[rule.endpoint], "access", None)
            if access is not None:
                found.append((name, rule.rule.replace("<", "").replace(">", ""), access))
    return found


def test_every_route_is_reached_at_its_own_service(rules):
    table = Table(has_sandbox=True)
    lost = [(name, path) for name, path, _ in rules if not reaches(table, path, name)]
    assert rules
    assert lost == []


def reaches(table, path, name):
    route = table.find(path)
    return route is not None and route.upstream == name


def test_the_gateway_asks_for_a_token_only_where_the_route_does(rules):
    table = Table(has_sandbox=True)
    for name, path, access in rules:
        if table.find(path).who == "user":
            assert access.needs_token, (name, path)


def test_sandbox_routes_are_the_gateways_sandbox_routes_and_nothing_else(rules):
    table = Table(has_sandbox=True)
    for name, path, access in rules:
        assert (table.find(path).who == "sandbox") == (access.who == "sandbox"), (name, path)


def test_no_service_takes_a_larger_body_than_the_gateway_lets_through(rules):
    table = Table(has_sandbox=True)
    for name, path, access in rules:
        assert access.body_limit <= table.find(path).body_limit, (name, path)


def test_what_moves_money_at_a_service_moves_it_at_the_gateway(rules):
    table = Table(has_sandbox=True)
    for name, path, access in rules:
        if access.money:
            assert table.find(path).money, (name, path)


def test_the_gateways_own_pages_are_nobody_elses():
    own = {route.prefix.strip("/") for route in ROUTES if route.upstream == "gateway"}
    assert own == OWN
