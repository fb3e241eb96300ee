"""What operations sees of the portal: routes by their template, nobody's ids."""

from __future__ import annotations

import pytest
from carport.portal import observed
from carport.portal.sessions import SessionsAway
from carport.shared import metrics
from prometheus_client import generate_latest

ID = "018f0000-0000-7000-8000-000000000000"


@pytest.fixture
def app(portal):
    return portal()


@pytest.fixture
def registry():
    yield metrics.start()
    metrics.stop()


def test_requests_are_counted_by_the_template_of_their_route(app, registry):
    client = app.test_client()
    client.get(f"/payments/{ID}")
    client.get(f"/there/is/no/{ID}")
    client.open("/login", method="HACK" + "X" * 50)
    text = generate_latest(registry).decode()
    assert ID not in text and "HACK" not in text
    routes = {
        s.labels["route"] for m in registry.collect() for s in m.samples if "route" in s.labels
    }
    assert routes == {"/payments/<id:payment_id>", "unmatched"}


def test_the_portal_is_ready_while_its_store_answers(app, monkeypatch):
    assert observed.parts(app) == {"sessions": True}

    def away(_session_id):
        raise SessionsAway

    monkeypatch.setattr(app.extensions["portal"].store, "load", away)
    assert observed.parts(app) == {"sessions": False}
