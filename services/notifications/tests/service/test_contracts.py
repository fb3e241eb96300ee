"""Every event consumed: the example of its contract is handled, twice and before what it needs."""

from __future__ import annotations

import pytest
from carport.notifications.handlers import HANDLERS
from carport.shared import events as contracts

SECRET = {"email": "ann@example.com", "token": "t0ken", "username": "ann"}


def example(world, type_):
    data = dict(contracts.contract(type_)["example"])
    if "sealed" in data:
        data |= {"sealed": world.sealed(**SECRET), "expires_at": world.in_15_minutes()}
    return data


def of_customer(data, customer, order):
    """*data* about a customer and a payment that are known."""
    known = {
        "account_id": customer.account,
        "party_id": customer.party,
        "account_ids": [customer.account],
        "payment_id": order["payment_id"],
    }
    return {**data, **{name: known[name] for name in known if data.get(name)}}


@pytest.mark.parametrize("type_", sorted(HANDLERS))
def test_the_example_of_every_contract_is_handled(world, type_):
    data = example(world, type_)
    customer = world.board()
    order = world.order(customer)
    event = world.event(type_, of_customer(data, customer, order))
    world.deliver(event)
    world.deliver(world.event("payments.payment_accepted.v1", order), event)
    returned = {"payment_id": order["payment_id"], "code": "R01", "text": "Not enough money."}
    world.deliver(world.event("payments.payment_returned.v1", returned))
    world.drain()
    assert world.unfinished() == []
    assert len(world.mails()) <= 1
