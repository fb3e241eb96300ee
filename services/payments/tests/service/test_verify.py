"""``verify`` is silent about a sound database and names what is wrong with another."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from carport.payments.queries import verify
from carport.shared import testing


def findings(suite, **later):
    """What is found once everything that has happened is older than the grace."""
    suite.clock.tick(**{"seconds": 1, **later})
    with suite.runtime.reading() as tx:
        found = [f for check in verify.CHECKS for f in check.findings(tx, suite.clock())]
    return [f"{finding.invariant}: {finding.detail}" for finding in found]


def spoil(suite, statement):
    with testing.databases.tampering(suite.runtime) as tx:
        assert tx.execute(sa.text(statement)).rowcount


@pytest.fixture
def busy(suite):
    """A day with everything in it."""
    method, card = suite.bank_account(), suite.card()
    for n in range(3):
        suite.post(suite.pay(method, amount=1_000 + n))
    returned, cancelled = suite.pay(method, amount=700), suite.pay(method, amount=800)
    suite.post(returned)
    suite.call("POST", "/v1/sandbox/bank/returns", {"payment_id": returned["id"], "code": "R01"})
    suite.cancel(cancelled)
    suite.post(cancelled)
    for payment, cause in ((returned, "returned"), (cancelled, "cancelled")):
        told = {
            "payment_id": payment["id"], "account_id": suite.ACCOUNT, "amount": payment["amount"],
            "cause": cause, "code": None, "effective_on": "2025-05-05", "booked_on": "2025-05-05",
            "balance_after": 0,
        }  # fmt: skip
        suite.tell("accounts.payment_reversed.v1", told)
    charged = suite.pay(card, amount=900)
    suite.pay(suite.card("tok_declined"), amount=901)
    suite.drain()
    suite.post(charged)
    suite.end_day(suite.MONDAY)
    return suite


def test_a_busy_day_is_without_findings(busy):
    assert findings(busy) == []


def test_our_list_has_every_payment_that_accounts_must_have_booked(busy):
    with busy.runtime.reading() as tx:
        listed = list(verify.posted_list(tx))
    assert sorted((row.amount, row.is_reversed) for row in listed) == [
        (700, True), (800, True), (900, False), (1_000, False), (1_001, False), (1_002, False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM payment_step WHERE seq = 1 AND state = 'accepted'", "numbered 2"),
        ("UPDATE payment_step SET state = 'scheduled' WHERE seq = 2", "not allowed"),
        ("UPDATE payment SET state = 'posted' WHERE amount = 901", "history says otherwise"),
        ("DELETE FROM receipt WHERE amount = 1000", "without a receipt"),
        ("UPDATE receipt SET amount = 1 WHERE amount = 1000", "accounts booked 1"),
        ("UPDATE receipt SET reversed_cause = NULL WHERE amount = 700", "not reversed for that"),
        ("UPDATE receipt SET reversed_cause = 'returned' WHERE amount = 1000", "is reversed"),
        ("UPDATE receipt SET payment_id = 'x' WHERE amount = 1000", "does not know"),
        ("UPDATE payment SET accepted_on = '2025-05-06' WHERE amount = 1000", "announced with"),
        ("UPDATE sandbox_charge SET amount = 1 WHERE amount = 900", "charged 1"),
        ("UPDATE sandbox_charge SET state = 'captured' WHERE amount = 901", "keeps 901"),
        ("DELETE FROM sandbox_charge WHERE amount = 900", "has no charge"),
        ("UPDATE sandbox_charge SET state = 'voided' WHERE amount = 900", "has no charge"),
        ("DELETE FROM sandbox_bank_entry WHERE amount = 700", "has no entry"),
        ("UPDATE sandbox_bank_entry SET amount = 1 WHERE amount = 1000", "the bank has 1"),
        ("UPDATE processor_call SET state = 'case'", "does not fit"),
    ],
)
def test_every_kind_of_damage_is_named(busy, statement, said):
    spoil(busy, statement)
    assert any(said in sentence for sentence in findings(busy))


def test_a_payment_that_is_not_posted_by_the_next_day_is_named(suite):
    suite.pay(suite.bank_account())
    assert findings(suite) == []
    suite.end_day(suite.MONDAY)
    assert any("is not posted" in sentence for sentence in findings(suite))
