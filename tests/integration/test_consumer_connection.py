"""The consumer comes back by itself, and keeps its connection while it waits."""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from time import monotonic

import pytest
from carport.shared import inbox
from carport.shared.amqp import consumer, topology
from carport.shared.kernel.clock import utc_now
from pika.exceptions import ChannelClosedByBroker
from support.client import eventually
from support.fixtures import one_release
from support.spine import QUEUE

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
    """Until the consumer, which is told, has declared it again."""
    spine.channel().queue_delete(QUEUE)
    eventually(lambda: is_declared(spine), within_s=BACK_S_MAX)


def is_declared(spine):
    with suppress(ChannelClosedByBroker):
        return spine.depth() == 0


def lose_queue_for_a_moment(spine, _proxy):
    """So short that RabbitMQ 3.10 does not tell the consumer."""
    channel = spine.channel()
    channel.queue_delete(QUEUE)
    channel.queue_declare(QUEUE, durable=True, arguments=topology.QUEUE_ARGUMENTS)


def lose_connection(_spine, proxy):
    proxy.cut()


def lose_broker_for_a_while(_spine, proxy):
    proxy.refuse()
    time.sleep(3)
    proxy.accept()


@pytest.mark.parametrize(
    "lose", [lose_queue, lose_queue_for_a_moment, lose_connection, lose_broker_for_a_while]
)
def test_a_consumer_that_lost_its_subscription_is_back_soon_without_hurry(spine, to_broker, lose):
    maker, taker = spine.maker(), spine.taker(through=to_broker).connected()
    maker.say_and_relay("before")
    taker.until_heard("before")
    cpu = Cpu()
    lose(spine, to_broker)
    began = monotonic()
    maker.say_and_relay("after")
    silence_s = consumer.SILENCE_S_MAX if lose is lose_queue_for_a_moment else 0.0
    taker.until_heard("before", "after", within_s=silence_s + BACK_S_MAX)
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


@one_release
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


@one_release
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


@one_release
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


@one_release
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


def test_start_order_does_not_matter(spine, to_broker):
    to_broker.refuse()
    taker = spine.taker(through=to_broker).start()
    maker = spine.maker()
    maker.say("early")
    time.sleep(1)
    to_broker.accept()
    maker.relay()
    taker.until_heard("early", within_s=BACK_S_MAX)
