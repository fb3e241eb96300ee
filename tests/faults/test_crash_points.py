"""Every crash point by its name, in the distributed form on real servers: a payment's way.

A role is started so that it is killed at a point, gets what brings it there, and is seen to have
been killed there and what it had committed by then. It is started again, what was not answered is
asked again, and in the end every accepted payment has one receipt, nothing else has one, and all
invariants hold. `support.points` has the list, and why some of its numbers have no name yet.
"""

from __future__ import annotations

import re
import uuid

import pytest
from carport.allinone.suite import SERVICES
from support.client import eventually
from support.points import (
    CARD,
    CONSUMER,
    DRIVEN,
    ELSEWHERE,
    MAIL,
    NOT_THERE,
    NUMBERED,
    RELAY,
    REQUEST,
)

ACCEPTED, POSTED = "payments.payment_accepted.v1", "accounts.payment_posted.v1"
CHANGED = "accounts.account_changed.v1"
UNSENT = "SELECT state, attempts FROM deliveries WHERE state IN ('queued', 'sending')"
pytestmark = pytest.mark.timeout(300)


def names_in(root, services):
    """Every name a failpoint of the source can have."""
    families = {
        "effect.{kind}": [f"effect.{kind}" for s in services.values() for kind in s.effects],
        "job.{name}": [f"job.{name}" for s in services.values() for name in s.jobs],
    }
    for path in root.glob("*/**/src/carport/**/*.py"):
        for name in re.findall(r'failpoints\.hit\(f?"([^"]+)"\)', path.read_text()):
            head, _, rest = name.rpartition("}.")
            family = families.get(f"{head}}}", [])
            yield from (f"{each}.{rest}" for each in family) if head else [name]


def test_every_failpoint_of_the_source_is_driven_here_or_named_with_its_place(pytestconfig):

    services = {service.name: service for service in SERVICES}
    found = set(names_in(pytestconfig.rootpath, services))
    assert found == {*DRIVEN, *ELSEWHERE}
    for name, path in ELSEWHERE.items():
        assert f"{name}:kill" in (pytestconfig.rootpath / path).read_text()


def test_every_number_of_the_list_is_a_name_or_has_a_reason():
    assert sorted([*NUMBERED, *NOT_THERE]) == list(range(1, 29))
    assert set(NUMBERED.values()) <= set(DRIVEN)


def test_a_request_killed_at_every_point_of_its_way_is_one_payment(payer, doomed):
    web, key, order = doomed("payments-web"), str(uuid.uuid4()), payer.order()
    for point in REQUEST:
        web.arm(point)
        assert payer.ask(key, order) is None
        web.until_fallen()
        kept = point == "idempotency.after_commit"
        assert payments_of(payer, key, order) == (kept, kept)
    web.revive()
    answer = payer.insist(key, order)
    assert answer.headers["Idempotency-Replayed"] == "true"
    payer.customer.until(answer.json()["id"], "posted")
    assert payments_of(payer, key, order) == (1, 1)


def payments_of(payer, key, order):
    """How many keys and payments are committed of an order."""
    keys = "SELECT count(*) FROM idempotency_key WHERE key = :key"
    paid = "SELECT count(*) FROM payment WHERE amount = :amount"
    books = payer.books
    return books.one("payments", keys, key=key), books.one("payments", paid, amount=order["amount"])


@pytest.mark.parametrize(
    ("name", "type_", "consumer"),
    [("payments-worker", ACCEPTED, "accounts"), ("accounts-worker", POSTED, "notifications")],
)
def test_an_event_whose_relay_is_killed_at_every_point_takes_effect_once(
    payer, doomed, name, type_, consumer
):
    relay, books, service = doomed(name), payer.books, name.partition("-")[0]
    relay.arm(RELAY[0])
    payment = payer.pay()
    relay.until_fallen()
    event = books.event(service, type_, payment["id"])
    assert books.heard(consumer, event) is None
    for point in RELAY[1:]:
        relay.arm(point)
        relay.until_fallen()
        eventually(lambda: books.heard(consumer, event) == "done", f"what was published at {point}")
        assert not books.is_sent(service, event)
    relay.revive()
    payer.customer.until(payment["id"], "posted")
    eventually(lambda: books.is_sent(service, event), "the event to be marked")


@pytest.mark.parametrize(
    ("name", "source", "type_"),
    [
        ("accounts-worker", "payments", ACCEPTED),
        ("payments-worker", "accounts", CHANGED),
        ("notifications-worker", "payments", ACCEPTED),
    ],
)
def test_events_whose_consumer_is_killed_at_any_point_take_effect_once(
    payer, doomed, name, source, type_
):
    """*type_* is what the consumer hears first of a payment."""
    consumer, books, service = doomed(name), payer.books, name.partition("-")[0]
    payments = []
    for point in CONSUMER:
        payments.append(paid_before(payer, consumer, point))
        consumer.until_fallen()
        of = payments[-1]["account_id" if type_ == CHANGED else "id"]
        heard = books.heard(service, books.event(source, type_, of))
        assert heard == ("done" if point == "consumer.after_commit" else None), point
    consumer.revive()
    for payment in payments:
        payer.customer.until(payment["id"], "posted")
        eventually(lambda payment=payment: payer.mails(payment), "the receipt")
    assert [payer.mails(payment) for payment in payments] == [1] * len(CONSUMER)


def paid_before(payer, consumer, point):
    """A payment whose events are in the consumer's queue when it comes to the point: were they to
    trickle in, some could take it to the next point already."""
    if consumer.name == "payments-worker":  # which has to say it, too
        consumer.arm(point)
        return payer.pay()
    consumer.stop()
    payment, books = payer.pay(), payer.books
    if consumer.name == "notifications-worker":
        payer.customer.until(payment["id"], "posted")
    event = books.event("payments", ACCEPTED, payment["id"])
    eventually(lambda: books.is_sent("payments", event), "it to be in the queue")
    consumer.arm(point)
    return payment


def test_a_card_whose_processor_is_asked_by_workers_that_are_killed_is_charged_once(payer, doomed):
    worker, books = doomed("payments-worker"), payer.books
    worker.arm(CARD[0])
    payment = payer.pay("card")
    assert payment["state"] == "processing"
    charges = "SELECT count(*) FROM sandbox_charge WHERE amount = :amount"
    calls = "SELECT state, attempts FROM processor_call WHERE payment_id = :id"
    for attempts, point in enumerate(CARD, start=1):
        if attempts > 1:
            worker.arm(point)
        worker.until_fallen()
        assert books.one("payments", charges, amount=payment["amount"]) == int(attempts > 1)
        assert books.rows("payments", calls, id=payment["id"]) == [("open", attempts)]
    worker.revive()
    payer.customer.until(payment["id"], "posted")
    assert books.one("payments", charges, amount=payment["amount"]) == 1


def test_a_mail_whose_senders_are_killed_is_in_the_mailbox_once(payer, doomed):
    sender = doomed("notifications-worker")
    sender.arm(MAIL[0])
    payment = payer.pay()
    for attempts, point in enumerate(MAIL, start=1):
        if attempts > 1:
            sender.arm(point)
        sender.until_fallen()
        assert payer.books.rows("notifications", UNSENT) == [("sending", attempts)]
        assert payer.mails(payment) == 0
    sender.revive()
    eventually(lambda: payer.mails(payment), "the receipt")
    assert payer.books.rows("notifications", UNSENT) == []
