"""Crash points at which a process does not die: it fails there again and again, or it sleeps past
its lease or claim, another takes over, and it wakes up as a zombie."""

from __future__ import annotations

import uuid
from contextlib import contextmanager

import httpx2
import pytest
from carport.shared import lease
from support.client import eventually

ACCEPTED = "payments.payment_accepted.v1"
SENDING = "SELECT attempts FROM deliveries WHERE state = 'sending'"
CONFIRMED = 'carport_relay_messages_total{outcome="confirmed"'
CALLED = "carport_effects_total"
TAKEN_OVER_S_MAX = lease.LEASE_S + 5
SLEEP_S = TAKEN_OVER_S_MAX + 4
pytestmark = pytest.mark.timeout(300)


def test_a_payment_that_fails_at_every_role_on_its_way_is_posted_once(payer, doomed):
    books, key, order = payer.books, str(uuid.uuid4()), payer.order()
    web, relay = doomed("payments-web"), doomed("payments-worker")
    ledger, sender = doomed("accounts-worker"), doomed("notifications-worker")
    relay.arm("relay.after_publish", "raise")
    ledger.arm("consumer.before_commit", "raise")
    sender.arm("effect.mail.after_call", "raise")
    web.arm("idempotency.before_commit", "raise")
    for _ in range(2):
        assert payer.ask(key, order) is None
    assert len(web.hits()) == 2
    web.revive()
    payment = payer.insist(key, order).json()
    event = books.event("payments", ACCEPTED, payment["id"])
    eventually(lambda: len(relay.hits()) > 2, "the event to be published again and again")
    assert not books.is_sent("payments", event)
    eventually(lambda: books.heard("accounts", event) == "done", "the second attempt")
    assert ledger.hits()
    eventually(sender.hits, "a mail to be sent")
    assert books.rows("notifications", SENDING) == [(1,)]
    for each in (relay, ledger, sender):
        assert not each.cluster.died(each.name)
        each.revive()
    payer.customer.until(payment["id"], "posted")
    eventually(lambda: payer.mails(payment), "the receipt")
    books.settle()
    assert payer.mails(payment) == 1


def test_who_sleeps_past_what_it_holds_is_replaced_and_changes_nothing_when_it_wakes(
    payer, doomed, broker
):
    books, cluster = payer.books, payer.books.cluster
    relay, ledger = doomed("payments-worker"), doomed("accounts-worker")
    sender = doomed("notifications-worker")
    with replicas(cluster, relay.name, ledger.name, sender.name) as take_over:
        ledger.arm("consumer.after_receive", f"sleep:{SLEEP_S}")
        first = payer.pay()
        ledger.until_hit()
        relay.arm("relay.after_claim", f"sleep:{SLEEP_S}")
        second = payer.pay()
        relay.until_hit()
        sender.arm("effect.mail.after_call", f"sleep:{SLEEP_S}")
        take_over(ledger)
        take_over(relay)
        # As for want of heartbeats, of which a broker waits for three.
        host = cluster.env["CARPORT_BUS_URL"].rpartition("/")[2]
        broker.ctl("close_all_connections", "--vhost", host, "nothing heard of you")
        payer.customer.until(first["id"], "posted")
        sender.until_hit()
        take_over(sender)
        sender.forget_claims()
        eventually(lambda: payer.mails(first), "the mail of the other sender")
        event = books.event("payments", ACCEPTED, second["id"])
        eventually(lambda: books.is_sent("payments", event), within_s=TAKEN_OVER_S_MAX)
        signs = [lambda: counted(relay, CONFIRMED), lambda: cut_off(ledger),
                 lambda: counted(sender, CALLED)]  # fmt: skip
        assert [awake() for awake in signs] == [0, 0, 0]
        for awake in signs:
            eventually(awake, "a sleeper to wake up")
        payer.customer.until(second["id"], "posted")
        eventually(lambda: payer.mails(second), "the receipt")
        books.settle()
    assert [payer.mails(first), payer.mails(second)] == [1, 1]


@contextmanager
def replicas(cluster, *names):
    """Starts a second process of a role, which goes at the end."""
    others = {name: f"{name}-2" for name in names}
    try:
        yield lambda role: cluster.spawn(others[role.name])
    finally:
        for other in others.values():
            if other in cluster.processes:
                cluster.end(other)


def counted(role, name):
    """The sum of a counter that stands still while the loop that counts sleeps."""
    url = f"http://127.0.0.1:{role.cluster.ports[role.name] + 1}/metrics"
    lines = httpx2.get(url, trust_env=False, timeout=10).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def cut_off(role):
    """Whether its consumer has found that what it held was given to another."""
    return sum("carport.consumer" in line and "broker away" in line for line in role.said())
