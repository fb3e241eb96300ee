"""What is exported of a payment: one trace over all who work on it, and nothing personal."""

from __future__ import annotations

import json
import uuid

import pytest
from support.client import PASSWORD, Api, contract, eventually
from support.collector import Collector
from support.running import Running

PUBLISHED = "payments.payment_accepted.v1"
POSTED = "accounts.payment_posted.v1"


@pytest.fixture(scope="module")
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def paid(tmp_path_factory, collector):
    """A payment made while spans are exported, until its receipt was mailed: what is secret."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    running = Running(tmp_path_factory.mktemp("traced") / "var", env=env).start()
    api = Api(running.url)
    staff = api.staff()
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    email = f"{uuid.uuid4().hex}@example.com"
    customer = api.register(document, email)
    customer.until(customer.pay(account_id, customer.add_bank_account(), 1234)["id"], "posted")
    eventually(lambda: [m for m in api.mails(email) if "$12.34" in m["text"]])
    running.stop()
    person = document["customers"][0]
    return [email, PASSWORD, customer.token, "4000123456", document["account_number"],
            person["last_name"], person["birth_date"], person["phone"]]  # fmt: skip


@pytest.fixture(scope="module")
def trace(collector, paid):
    """The spans of the payment by (service, name)."""
    (root,) = [
        span
        for span in collector.spans
        if (span.service, span.name) == ("carport-gateway", "POST /v1/payments")
    ]
    return {(s.service, s.name): s for s in collector.spans if s.trace == root.trace}


def parents(trace, service, name):
    """The chain of spans from this one up to the root."""
    by_id = {span.id: span for span in trace.values()}
    found, span = [], trace[service, name]
    while span is not None:
        found.append((span.service.removeprefix("carport-"), span.name, span.kind))
        span = by_id.get(span.parent)
    return found


def test_a_payment_is_one_trace_from_the_gateway_to_the_mail(trace):
    assert parents(trace, "carport-notifications", "effect mail") == [
        ("notifications", "effect mail", "CLIENT"),
        ("notifications", f"handle {POSTED}", "CONSUMER"),
        ("accounts", f"handle {PUBLISHED}", "CONSUMER"),
        ("payments", "POST /v1/payments", "SERVER"),
        ("gateway", "POST /v1/payments", "SERVER"),
    ]
    assert ("carport-payments", f"handle {POSTED}") in trace


def test_the_wait_in_the_outbox_is_a_span_beside_what_caused_it(trace):
    published = trace["carport-payments", f"publish {PUBLISHED}"]
    caused = trace["carport-payments", "POST /v1/payments"]
    handled = trace["carport-accounts", f"handle {PUBLISHED}"]
    assert published.parent == caused.id
    assert caused.began - 1_000_000 <= published.began <= handled.began <= published.ended


def test_spans_hold_routes_and_ids_and_nothing_personal(collector, paid):
    text = json.dumps([[span.name, span.attributes, span.status] for span in collector.spans])
    assert [secret for secret in paid if secret in text] == []
    assert not any(span.events for span in collector.spans), "an exception's text would be one"
    names = {name for span in collector.spans for name in span.attributes}
    assert names <= {"http.request.method", "http.route", "http.response.status_code",
                     "carport.event_id", "error.type"}  # fmt: skip


def test_a_page_of_the_portal_and_its_calls_are_one_trace(tmp_path, collector):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    running = Running(tmp_path / "var", env=env).start()
    api = Api(running.url)
    assert api.http.get("/login").status_code == 200
    running.stop()
    page = next(s for s in collector.spans if s.service == "carport-portal")
    services = {span.service for span in collector.spans if span.trace == page.trace}
    assert services == {"carport-gateway", "carport-portal", "carport-accounts"}
