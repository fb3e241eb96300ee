"""The consumer comes back by itself, keeps its connection while it waits, and handles all once."""

from __future__ import annotations

import random
import resource
import threading
import time
from collections import Counter
from time import monotonic

import pytest
import sqlalchemy as sa
from carport.shared import inbox
from carport.shared.amqp import consumer, topology
from carport.shared.kernel.clock import utc_now
from carport.shared.service import Batched
from support.client import eventually
from support.spine import ONE, QUEUE

BACK_S_MAX = 10.0
NOTICED_S_MAX = 30.0
CPU_SHARE_MAX = 0.5
"""Of one core, while there is nothing to do but to come back."""


@pytest.fixture
def short_heartbeats(monkeypatch):
    """So that several pass within seconds."""
    monkeypatch.setattr(consumer, "HEARTBEAT_S", 4)


class Cpu:
    """How much of a core this process has used since."""

    def __init__(self):
        self.began, self.used = monotonic(), self.now()

    @staticmethod
    def now():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def share(self):
        return (self.now() - self.used) / (monotonic() - self.began)


def lose_queue(spine, _proxy):
    """RabbitMQ 3.10 tells a consumer nothing of a quorum queue that somebody declares again in the
    moment it is deleted, so the relay is given a moment."""
    spine.channel().queue_delete(QUEUE)
    time.sleep(2)


def lose_connection(_spine, proxy):
    proxy.cut()


def lose_broker_for_a_while(_spine, proxy):
    proxy.refuse()
    time.sleep(3)
    proxy.accept()


@pytest.mark.parametrize("lose", [lose_queue, lose_connection, lose_broker_for_a_while])
def test_a_consumer_that_lost_its_subscription_is_back_soon_without_hurry(spine, to_broker, lose):
    maker, taker = spine.maker(), spine.taker(through=to_broker).connected()
    maker.say_and_relay("before")
    taker.until_heard("before")
    cpu = Cpu()
    lose(spine, to_broker)
    began = monotonic()
    maker.say_and_relay("after")
    taker.until_heard("before", "after", within_s=BACK_S_MAX)
    time.sleep(max(0.0, 3 - (monotonic() - began)))
    assert cpu.share() < CPU_SHARE_MAX
    assert to_broker.connections <= 3


def test_a_channel_the_broker_closes_is_opened_again(own_spine, own_broker):
    """As when a message was not acknowledged within the broker's limit."""
    limits = "application:set_env(rabbit, channel_tick_interval, {}), " \
             "application:set_env(rabbit, consumer_timeout, {})."  # fmt: skip
    own_broker.ctl("eval", limits.format(500, 1000))
    try:
        slow = []

        def handle(tx, event, now):
            if not slow:
                slow.append(event.id)
                time.sleep(4)
            taker.note(tx, event, now)

        maker, taker = own_spine.maker(), own_spine.taker(handle).connected()
        maker.say_and_relay("slow", "other")
        taker.until_heard("slow", "other")
        own_broker.ctl("eval", limits.format(60_000, 1_800_000))
        maker.say_and_relay("after")
        taker.until_heard("slow", "other", "after")
    finally:
        own_broker.ctl("eval", limits.format(60_000, 1_800_000))


@pytest.mark.parametrize("where", ["between frames", "in the middle of a frame"])
def test_a_peer_that_has_vanished_is_noticed_without_turning_in_a_circle(spine, to_broker, where):
    maker, taker = spine.maker(), spine.taker(through=to_broker).connected()
    maker.say_and_relay("before")
    taker.until_heard("before")
    if where == "between frames":
        to_broker.hold()
    else:
        to_broker.hold_after("down", 1500)
        to_broker.hold("up")
    maker.say_and_relay(*(f"m{number}" for number in range(10)))
    cpu, began = Cpu(), monotonic()
    eventually(lambda: not taker.consumer.is_connected, within_s=NOTICED_S_MAX)
    assert cpu.share() < CPU_SHARE_MAX
    to_broker.release()
    taker.until_heard("before", *(f"m{number}" for number in range(10)), within_s=BACK_S_MAX)
    assert monotonic() - began < NOTICED_S_MAX + BACK_S_MAX


def test_a_database_that_is_away_costs_neither_the_connection_nor_a_delivery(
    spine, to_broker, to_database, short_heartbeats
):
    maker = spine.maker()
    taker = spine.taker(through=to_broker, behind=to_database).connected()
    maker.say_and_relay("before")
    taker.until_heard("before")
    to_database.refuse()
    maker.say_and_relay("a", "b")
    time.sleep(4 * consumer.HEARTBEAT_S)
    assert spine.depth() == 0  # it is held, unacknowledged
    to_database.accept()
    taker.until_heard("before", "a", "b", within_s=BACK_S_MAX)
    assert to_broker.connections == 1


def test_handlers_that_take_long_do_not_cost_the_connection(spine, to_broker, short_heartbeats):
    def handle(tx, event, now):
        time.sleep(0.6)
        taker.note(tx, event, now)

    maker, taker = spine.maker(), spine.taker(handle, through=to_broker)
    said = [f"m{number}" for number in range(20)]
    maker.say_and_relay(*said)
    taker.connected().until_heard(*said)
    time.sleep(1)
    assert to_broker.connections == 1


def test_a_row_that_somebody_holds_is_waited_for_with_the_connection_kept(spine, to_broker):
    """As of a worker that was stopped in the middle of its transaction."""
    maker, taker = spine.maker(), spine.taker(through=to_broker)
    (event,) = maker.say("held")
    zombie = taker.runtime.engine.connect()
    inbox.claim(zombie, [event], utc_now())
    maker.relay()
    maker.say_and_relay("other")
    taker.connected()
    time.sleep(8)
    zombie.rollback()
    zombie.close()
    taker.until_heard("held", "other")
    assert to_broker.connections == 1


def test_three_workers_share_a_queue_and_nothing_is_done_twice(spine):
    maker = spine.maker()
    first = spine.taker(worker="1")
    takers = [first, *(spine.taker(worker=w, url=first.database) for w in "23")]
    for taker in takers:
        taker.connected()
    said = [f"m{number}" for number in range(300)]
    maker.say_and_relay(*said)
    first.until_heard(*said)
    shares = Counter(first.workers())
    assert set(shares) == set("123")
    assert min(shares.values()) >= len(said) // 20, shares


def test_every_copy_of_every_event_thrice_and_shuffled_changes_nothing(spine):
    maker = spine.maker()
    first = spine.taker(worker="1")
    second = spine.taker(worker="2", url=first.database)
    said = [f"m{number}" for number in range(200)]
    events = maker.say(*said)
    while maker.unsent():
        maker.relay()
    first.connected()
    second.connected()
    first.until_heard(*said)
    before = first.heard()
    copies = 3 * [(event.id, event.to_json()) for event in events]
    random.Random(5).shuffle(copies)
    channel = spine.channel()
    for _, body in copies:
        channel.basic_publish(topology.EXCHANGE, ONE, body.encode())
    maker.say_and_relay("last")
    first.until_heard(*said, "last")
    eventually(lambda: spine.depth() == 0)
    time.sleep(0.5)
    assert first.heard() == [*before, "last"]
    assert first.rows() == []


def test_a_batch_with_a_bad_event_is_taken_apart_and_its_good_ones_are_done_once(spine):
    sizes = []

    def handle(tx, events, now):
        sizes.append(len(events))
        for event in events:
            taker.note(tx, event, now)
            if event.data["what"] == "bad":
                raise ValueError("this one")

    taker = spine.taker(Batched(handle))
    maker = spine.maker()
    good = [f"m{number}" for number in range(30)]
    maker.say_and_relay(*good[:15], "bad", *good[15:])
    taker.connected().until_heard(*good)
    assert max(sizes) > 1
    (row,) = taker.rows()
    assert (row["state"], row["attempts"]) == ("retry", 1)
    assert row["error"] == "ValueError: this one"


def test_a_batch_keeps_the_order_of_each_subject(spine):
    def handle(tx, events, now):
        for event in events:
            taker.note(tx, event, now)

    taker, maker = spine.taker(Batched(handle)), spine.maker()
    for number in range(40):
        for subject in "cab":
            maker.say(f"{subject}{number:02}", subject=subject)
    while maker.unsent():
        maker.relay()
    taker.connected()
    heard = eventually(lambda: len(found := taker.heard()) == 120 and found)
    for subject in "abc":
        mine = [what for what in heard if what[0] == subject]
        assert mine == sorted(mine)


def test_a_worker_that_stops_leaves_the_rest_to_another_and_does_nothing_twice(spine):
    maker = spine.maker()
    busy = threading.Event()

    def handle(tx, event, now):
        busy.set()
        time.sleep(0.02)
        first.note(tx, event, now)

    first = spine.taker(handle, worker="1")
    said = [f"m{number}" for number in range(300)]
    maker.say_and_relay(*said)
    first.connected()
    assert busy.wait(10)
    began = monotonic()
    first.consumer.stop(10)
    assert monotonic() - began < 4
    assert 0 < len(first.heard()) < len(said)
    second = spine.taker(worker="2", url=first.database).connected()
    second.until_heard(*said)


def test_start_order_does_not_matter(spine, to_broker):
    to_broker.refuse()
    taker = spine.taker(through=to_broker).start()
    maker = spine.maker()
    maker.say("early")
    time.sleep(1)
    to_broker.accept()
    maker.relay()
    taker.until_heard("early", within_s=BACK_S_MAX)


def test_the_queue_outlives_a_consumer_that_was_never_there(spine):
    maker = spine.maker()
    maker.say_and_relay("for later")
    assert spine.depth() == 1
    spine.taker().connected().until_heard("for later")


def test_messages_are_acknowledged_after_the_commit_only(spine):
    entered, leave = threading.Event(), threading.Event()

    def handle(tx, event, now):
        entered.set()
        leave.wait(10)
        taker.note(tx, event, now)

    maker, taker = spine.maker(), spine.taker(handle)
    maker.say_and_relay("a")
    taker.connected()
    assert entered.wait(10)
    with taker.runtime.engine.connect() as other:
        assert other.execute(sa.select(taker.seen)).all() == []
    spine.channel().queue_delete(QUEUE)  # what was acknowledged could not come back
    leave.set()
    taker.until_heard("a")
