"""The whole suite in this process, and the tokens of each kind of caller."""

from __future__ import annotations

import httpx2
import pytest
from carport.allinone import suite as allinone
from carport.shared import telemetry
from support.client import Api, contract

EMAIL = "security@example.com"


def in_process(suite):
    """The client without a port."""
    transport = httpx2.WSGITransport(app=suite.app, raise_app_exceptions=False)
    return Api("http://localhost", transport=transport)


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    telemetry.configure("suite", level="ERROR")
    home = allinone.Home(tmp_path_factory.mktemp("suite"), 8000, False, 1_000_000, stream_s=0)
    running = allinone.build(home)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def customer(suite):
    """Somebody with a contract, a method and a payment: the client and the ids of these."""
    api = in_process(suite)
    staff = api.staff()
    document = contract(contract_date=api.today())
    account_id = staff.board(document)["id"]
    customer = api.register(document, EMAIL)
    method_id = customer.add_bank_account()
    payment = customer.pay(account_id, method_id, 1000)
    customer.until(payment["id"], "posted")
    ids = {"account_id": account_id, "payment_id": payment["id"], "method_id": method_id}
    return customer, ids


@pytest.fixture(scope="session")
def own_ids(customer):
    return customer[1]


@pytest.fixture(scope="session")
def tokens(suite, customer):
    """What each kind of caller sends; they live for ten minutes, longer than the lane takes."""
    return {"nobody": "", "customer": customer[0].token, "staff": in_process(suite).staff().token}
