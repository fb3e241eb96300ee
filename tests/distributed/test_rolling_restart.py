"""Every role is replaced, one after the other as a deployment does it, while customers go on."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import httpx2
import sqlalchemy as sa
from support import journeys
from support.client import eventually

RATE_PER_S = 50
PAYMENTS_EVERY = 10
BUSY_SHARE_MAX = 0.01
MESSAGES = """SELECT seq, id FROM messages WHERE party_id =
    (SELECT party_id FROM messages WHERE id = :first) AND (seq IS NULL OR seq >= :number)
    ORDER BY seq"""


def test_no_request_fails_and_nothing_is_lost_while_every_role_is_replaced(cluster, house, traffic):
    reads = ["/v1/auth/me", f"/v1/accounts/{house.accounts[0]}", "/v1/lender", "/login",
             "/v1/payments?limit=10", "/v1/messages?limit=10", f"/v1/leases/{house.lease_id}",
             "/docs/static/docs.css"]  # fmt: skip
    before = {cluster.processes[name].pid for name in cluster.current.values()}
    follower = Follower(house.log_in())
    with traffic(rate_per_s=RATE_PER_S, every=PAYMENTS_EVERY, reads=reads) as load:
        eventually(lambda: follower.heard, "the first message")
        for role in list(cluster.current):
            cluster.roll(role)
        load.go_on(3)
    after = {cluster.processes[name].pid for name in cluster.current.values()}
    assert not before & after
    told = load.told
    print(f"{told.answers}; busy {told.busy}; slowest {told.slowest_s:.2f} s")
    assert told.wrong == []
    assert len(told.busy) <= BUSY_SHARE_MAX * told.answers.total(), told.busy
    assert told.answers.total() > RATE_PER_S * 30
    eventually(lambda: follower.heard == messages(cluster, *follower.heard[0]), "all messages once")
    follower.is_ending = True
    assert follower.streams > 1


class Follower:
    """Hears every message, over as many streams as it takes; *heard* are their numbers and ids."""

    def __init__(self, customer):
        self.heard, self.streams, self.is_ending = [], 0, False
        self._customer = customer
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        while not self.is_ending:
            with suppress(httpx2.HTTPError, AssertionError, StopIteration):
                self._listen()
            time.sleep(0.2)

    def _listen(self):
        seen = {"Last-Event-ID": str(self.heard[-1][0])} if self.heard else None
        with journeys.listening(self._customer, seen) as events:
            self.streams += 1
            for number, message in events:
                self.heard.append((number, message["id"]))


def messages(cluster, number, first):
    """Those of the same customer from the one that was heard first."""
    with cluster.engine("notifications").connect() as connection:
        found = connection.execute(sa.text(MESSAGES), {"first": first, "number": number})
        return [tuple(row) for row in found]
