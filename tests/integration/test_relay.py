"""The relay marks what the broker has routed and confirmed, and nothing else."""

from __future__ import annotations

import threading
from pathlib import Path
from time import monotonic

import pytest
from carport.shared import events, outbox
from carport.shared.amqp import publisher, topology
from carport.shared.bus import BusAway, Message
from carport.shared.kernel.clock import utc_now
from support.client import eventually
from support.fixtures import one_release
from support.spine import NOBODY, ONE, OTHER, QUEUE, TWO


@pytest.fixture
def impatient(monkeypatch):
    """Silence is told from slowness after a second instead of ten."""
    monkeypatch.setattr(publisher, "CONFIRM_S_MAX", 1.0)
    monkeypatch.setattr(publisher, "OPEN_S_MAX", 2.0)


def message(what, type_=ONE):
    event = events.make(type_, subject="s", data={"what": what}, now=utc_now())
    return Message(event.id, type_, event.to_json(), False)


def lose_queue(channel):
    channel.queue_delete(QUEUE)


def lose_binding(channel):
    channel.queue_unbind(QUEUE, topology.EXCHANGE, ONE)


def lose_exchange(channel):
    channel.exchange_delete(topology.EXCHANGE)


def lose_everything(channel):
    lose_queue(channel)
    lose_exchange(channel)


@pytest.mark.parametrize("lose", [lose_queue, lose_binding, lose_exchange, lose_everything])
def test_what_cannot_be_routed_stays_unsent_until_the_topology_is_declared_again(spine, lose):
    maker = spine.maker()
    maker.say_and_relay("before", type_=TWO)
    lose(spine.channel())
    maker.say("a", "b")
    assert maker.relay() == 0
    assert maker.unsent() == ["a", "b"]
    assert maker.relay() == 2
    taker = spine.taker().connected()
    eventually(lambda: {"a", "b"} <= set(taker.heard()))


def test_a_returned_message_leaves_its_neighbours_marked(spine):
    maker = spine.maker()
    maker.say_and_relay("before")
    spine.channel().queue_unbind("carport.auth", topology.EXCHANGE, OTHER)
    maker.say("a")
    maker.say("lost", type_=OTHER)
    maker.say("b")
    assert (maker.relay(), maker.unsent()) == (2, ["lost"])
    assert (maker.relay(), maker.unsent()) == (1, [])


def test_an_event_nobody_consumes_is_sent_though_no_queue_takes_it(spine):
    maker = spine.maker()
    maker.say("to nobody", type_=NOBODY)
    assert (maker.relay(), maker.unsent()) == (1, [])


def test_an_event_this_release_does_not_know_holds_up_no_other(spine):
    maker = spine.maker()
    maker.say("of a newer release", type_="accounts.thing_invented.v1")
    maker.say("a", "b")
    assert (maker.relay(), maker.unsent()) == (2, ["of a newer release"])


def test_batches_of_what_cannot_be_routed_hold_up_nothing_behind_them(spine, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 2)
    maker = spine.maker()
    unknown = ["one", "two", "three", "four"]
    maker.say(*unknown, type_="accounts.thing_invented.v1")
    maker.say("a", "b", "c")
    assert (maker.relay(), maker.unsent()) == (3, unknown)


def test_a_full_queue_refuses_and_the_row_stays_unsent(own_spine, own_broker):
    maker, taker = own_spine.maker(), own_spine.taker()
    maker.say_and_relay("before", type_=OTHER)
    own_broker.ctl("set_policy", "full", f"^{QUEUE}$", '{"max-length": 3}')
    try:
        said = until_refused(maker)
        maker.say("to another queue", type_=OTHER)
        assert (maker.relay(), maker.unsent()) == (1, said[-1:])
        taker.connected()

        def all_sent():
            maker.relay()
            return not maker.unsent()

        eventually(all_sent, "the rest to be sent")
        taker.until_heard(*said)
    finally:
        own_broker.ctl("clear_policy", "full")


def until_refused(maker):
    """The quorum queue counts a little late, so its last message is more than the limit."""
    said = []
    while not maker.unsent():
        assert len(said) < 50, "the queue to refuse"
        said.append(f"m{len(said)}")
        maker.say(said[-1])
        maker.relay()
    return said


@one_release
def test_a_confirm_that_never_comes_marks_nothing_and_costs_the_connection(
    spine, to_broker, impatient
):
    maker, taker = spine.maker(through=to_broker), spine.taker()
    maker.say_and_relay("before")
    to_broker.hold("down")
    maker.say("a")
    began = monotonic()
    assert maker.relay() == 0
    assert monotonic() - began < 5
    assert maker.unsent() == ["a"]
    assert not maker.bus.is_connected
    to_broker.release()
    assert (maker.relay(), to_broker.connections) == (1, 2)
    assert spine.depth() == 3  # the broker had it all the time
    taker.connected().until_heard("before", "a")


def test_a_late_confirm_is_credited_to_no_other_message(spine, to_broker, impatient):
    maker = spine.maker(through=to_broker)
    maker.say_and_relay("before")
    spine.channel().queue_unbind("carport.auth", topology.EXCHANGE, OTHER)
    to_broker.hold("down")
    assert maker.bus.publish([message("late")]) == set()
    spine.channel().queue_declare("carport.auth", arguments=topology.QUEUE_ARGUMENTS, durable=True)
    to_broker.release()
    lost, fine = message("lost", "accounts.thing_invented.v1"), message("fine")
    assert maker.bus.publish([lost, fine]) == {fine.id}


@one_release
def test_a_peer_that_has_vanished_is_no_confirm_and_leaves_nothing_open(
    spine, to_broker, impatient
):
    maker = spine.maker(through=to_broker)
    maker.say_and_relay("before")
    threads, files = publishers(), open_files()
    to_broker.hold()
    maker.say("a")
    assert maker.relay() == 0
    for _ in range(3):
        with pytest.raises(BusAway):
            maker.relay()
    assert maker.unsent() == ["a"]
    to_broker.release()
    assert maker.relay() == 1
    eventually(lambda: publishers() <= threads, "the links to end", within_s=40)
    eventually(lambda: open_files() <= files + 2, "the sockets to be closed", within_s=10)


@one_release
def test_a_broker_that_refuses_is_said_to_be_away_at_once(spine, to_broker):
    maker = spine.maker(through=to_broker)
    maker.say("a")
    to_broker.refuse()
    began = monotonic()
    with pytest.raises(BusAway):
        maker.relay()
    assert monotonic() - began < 12
    to_broker.accept()
    assert maker.relay() == 1


@one_release
def test_a_cut_in_the_middle_of_a_batch_loses_nothing(spine, to_broker):
    maker, taker = spine.maker(through=to_broker), spine.taker().connected()
    maker.say_and_relay("before")
    said = [f"m{number}" for number in range(1200)]
    maker.say(*said)
    to_broker.hold_after("up", 60_000)
    cutting = threading.Timer(0.5, to_broker.cut)
    cutting.start()
    marked = maker.relay()
    assert marked < len(said)
    to_broker.release()
    eventually(lambda: maker.relay() is not None and not maker.unsent(), "all to be sent")
    taker.until_heard("before", *said)


def test_fifteen_lost_exchanges_leave_nothing_open(spine):
    maker, channel = spine.maker(), spine.channel()
    maker.say_and_relay("before")
    threads, files = publishers(), open_files()
    for number in range(15):
        channel.exchange_delete(topology.EXCHANGE)
        maker.say_and_relay(f"m{number}")
    assert publishers() <= threads
    assert open_files() <= files


def test_a_blocked_broker_keeps_the_rows_here_while_consumers_go_on(
    own_spine, own_broker, impatient
):
    maker, taker = own_spine.maker(), own_spine.taker()
    maker.say_and_relay(*(f"m{number}" for number in range(20)))
    own_broker.ctl("set_vm_memory_high_watermark", "0")
    try:
        maker.say("blocked")
        began = monotonic()
        for _ in range(3):
            assert maker.relay() == 0
        assert monotonic() - began < 15
        assert maker.unsent() == ["blocked"]
        taker.connected()
        eventually(lambda: len(taker.heard()) >= 20, "consumers to go on")
    finally:
        own_broker.ctl("set_vm_memory_high_watermark", "0.4")
    eventually(lambda: maker.relay() is not None and not maker.unsent(), "the row to be sent")
    eventually(lambda: taker.heard().count("blocked") == 1, "the event to be heard once")


@one_release
def test_a_relay_that_lost_its_lease_while_it_waited_marks_nothing(spine, to_broker):
    first, second = spine.maker(through=to_broker), spine.maker()
    second.runtime = first.runtime
    first.say_and_relay("before")
    to_broker.hold("down")
    first.say("a")
    marked = []
    zombie = threading.Thread(target=lambda: marked.append(first.relay()))
    zombie.start()
    eventually(lambda: spine.depth() == 2, "the message to be with the broker")
    with first.runtime.transaction() as tx:
        outbox.lease.seize(tx, outbox.RELAY, second.token, utc_now())
    to_broker.release()
    zombie.join(20)
    assert (marked, first.unsent()) == ([0], ["a"])
    assert second.relay() == 1


def publishers():
    return sum(thread.name == "publisher" for thread in threading.enumerate())


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))
