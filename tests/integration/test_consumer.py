"""Several consumers or none, batches, copies: each event is handled once, and in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from time import monotonic

import sqlalchemy as sa
from carport.shared.amqp import topology
from carport.shared.service import Batched
from support.client import eventually
from support.spine import ONE, QUEUE

TESTS = Path(__file__).parents[1]


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


def test_a_message_whose_worker_is_killed_before_the_commit_comes_again(spine):
    maker, taker = spine.maker(), spine.taker()
    maker.say_and_relay("kill it")
    killed = subprocess.Popen(
        [sys.executable, "-m", "support.mortal", taker.database, spine.broker_url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
    )
    assert killed.wait(30) == -signal.SIGKILL
    assert taker.heard() == []
    taker.connected().until_heard("kill it", within_s=10.0)
