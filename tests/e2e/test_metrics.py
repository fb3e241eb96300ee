"""What the embedded suite tells of a payment on the port after its own."""

from __future__ import annotations

import re

import httpx2
import pytest
from support.client import contract, eventually

HTTP = re.compile(r"carport_http_requests_total\{(.*)\}")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7")


@pytest.fixture(scope="module")
def ask(suite):
    def get(path):
        return httpx2.get(f"http://127.0.0.1:{suite.port + 1}{path}", trust_env=False)

    return get


@pytest.fixture(scope="module")
def paid(suite, api, staff):
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    customer = api.register(document, f"{account_id}@example.com")
    customer.until(customer.pay(account_id, customer.add_bank_account(), 1234)["id"], "posted")
    return document


def test_the_suite_is_ready_and_lives(ask):
    assert ask("/readyz").json() == {"status": "ok", "missing": []}
    assert ask("/healthz").status_code == 200


def test_a_payment_shows_in_the_metrics_of_all_who_worked_on_it(ask, paid):
    def told():
        text = ask("/metrics").text
        wanted = [
            'carport_http_requests_total{method="POST",route="/v1/payments",status="202",'
            'unit="gateway"}',
            'carport_http_requests_total{method="POST",route="/v1/payments",status="202",'
            'unit="payments"}',
            'carport_relay_messages_total{outcome="confirmed",unit="payments"}',
            'carport_handled_total{outcome="done",type="payments.payment_accepted.v1",'
            'unit="accounts"}',
            'carport_handler_seconds_count{type="accounts.payment_posted.v1",unit="payments"}',
            'carport_outbox_unsent{unit="accounts"} 0.0',
            'carport_inbox_events{state="parked",unit="payments"} 0.0',
            'carport_close_open_day_timestamp_seconds{unit="lease"}',
            'carport_close_contracts_left{unit="accounts"}',
        ]
        return all(line in text for line in wanted)

    eventually(told)


def test_no_label_is_an_id_or_a_path_somebody_asked_for(ask, api, paid):
    api.http.get("/v1/no/such/ostrich")
    api.http.get("/ostrich/no-such-page")
    text = ask("/metrics").text
    assert HTTP.search(text)
    assert "ostrich" not in text
    assert not ID.search(text)
    assert paid["account_number"] not in text
