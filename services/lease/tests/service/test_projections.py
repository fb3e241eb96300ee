"""Projections: the same in whatever order events come, and however often."""

from __future__ import annotations

import itertools
import random

import pytest
from carport.lease.handlers import HANDLERS
from carport.lease.tables import leases, payments, snapshots
from carport.shared import events as contracts


def lease_of(world, account):
    answer = world.get(account)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_the_highest_version_counts_in_any_order(world):
    world.open_day("2025-12-01")
    for versions in itertools.permutations((1, 2, 3)):
        account = world.new_id()
        for version in versions:
            snapshot = world.snapshot(account, version, payments_remaining=12 - version)
            world.deliver(world.event("accounts.account_changed.v1", snapshot))
        world.deliver(world.event("accounts.account_boarded.v1", world.boarded(account)))
        assert lease_of(world, account)["payments_left"] == 9


def payment(world, account, amount, effective_on):
    return {
        "payment_id": world.new_id(),
        "account_id": account,
        "amount": amount,
        "effective_on": effective_on,
    }


@pytest.mark.parametrize("seed", range(6))
def test_the_last_payment_that_stands_is_shown_whatever_the_order(world, seed):
    world.open_day("2025-12-01")
    account = world.new_id()
    first = payment(world, account, 50772, "2025-10-01")
    returned = payment(world, account, 99999, "2025-11-01")
    said = [
        world.event("accounts.account_boarded.v1", world.boarded(account)),
        world.event("accounts.account_changed.v1", world.snapshot(account)),
        world.event("accounts.payment_posted.v1", first),
        world.event("accounts.payment_posted.v1", returned),
        world.event("accounts.payment_reversed.v1", returned),
    ] * 2
    random.Random(seed).shuffle(said)
    world.deliver(*said)
    world.drain()
    shown = lease_of(world, account)["last_payment"]
    assert shown == {"amount": 50772, "effective_on": "2025-10-01"}
    assert world.unfinished() == []


@pytest.mark.parametrize("backwards", [False, True])
def test_the_latest_of_paid_off_and_reopened_counts(world, backwards):
    world.open_day("2025-12-01")
    account = world.board()
    said = [
        world.event("accounts.paid_off.v1", {"account_id": account, "paid_off_on": "2025-11-20"}),
        world.event("accounts.reopened.v1", {"account_id": account, "reopened_on": "2025-11-25"}),
    ]
    world.deliver(*(reversed(said) if backwards else said))
    assert lease_of(world, account)["buyout"] is not None


def test_nothing_of_a_retail_account_is_kept(world):
    world.open_day("2025-12-01")
    account = world.new_id()
    boarded = world.boarded(account, product="retail", lease=None)
    world.say("accounts.account_boarded.v1", boarded)
    world.say("accounts.account_changed.v1", world.snapshot(account, product="retail", lease=None))
    world.say("accounts.payment_posted.v1", payment(world, account, 100, "2025-11-01"))
    with world.runtime.reading() as tx:
        assert [tx.execute(t.select()).all() for t in (leases, payments, snapshots)] == [[], [], []]
    assert world.unfinished() == []


@pytest.mark.parametrize("type_", sorted(HANDLERS))
def test_the_example_of_every_contract_consumed_is_handled_twice_over(world, type_):
    example = contracts.contract(type_)["example"]
    world.open_day("2025-05-01")
    boarded = contracts.contract("accounts.account_boarded.v1")["example"]
    first = world.event("accounts.account_boarded.v1", boarded)
    event = world.event(type_, {**example, "account_id": boarded["account_id"]})
    if "date" in example:
        event = world.event(type_, {**example, "date": "2025-05-01"})
    world.deliver(event, first, event)
    world.drain()
    assert world.unfinished() == []
