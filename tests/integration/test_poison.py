"""Messages that cannot be handled: each is parked with its reason, and its neighbours do not
notice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from time import monotonic

import pika
import pytest
import sqlalchemy as sa
from carport.shared import inbox, outbox
from carport.shared.amqp import topology
from carport.shared.events import make
from carport.shared.kernel.clock import utc_now
from support.client import eventually
from support.fixtures import one_release
from support.spine import ONE, QUEUE

DELAY_S_MAX = 5.0
KILLS_MAX = inbox.ATTEMPTS_MAX + 1


def event(what="good", **changes):
    """The JSON of an event with members of its own."""
    known = json.loads(make(ONE, subject="s", data={"what": what}, now=utc_now()).to_json())
    return json.dumps({**known, **changes}, ensure_ascii=False)


UNREADABLE = {
    "empty": b"",
    "no JSON": b"{",
    "no object": b"[1, 2]",
    "not UTF-8": b"\xff\xfe\x00\x80",
    "not UTF-8 within an event": event("caf\u00e9").encode("latin-1"),
    "a NUL": event().encode() + b"\0",
    "too deep": b"[" * 100_000,
    "five megabytes of nothing": b"x" * 5_000_000,
    "no id": event(id=None).encode(),
    "an id with a NUL": event(id="a\0b").encode(),
    "an endless id": event(id="x" * 300).encode(),
    "a time before time": event(time="0001-01-01T00:00:00+14:00").encode(),
    "no data": event(data=None).encode(),
}
UNKNOWN = {"a type nobody knows": event(type="accounts.thing_invented.v1").encode()}
FAILING = {
    "a wrong schema": event(data={"other": 1}).encode(),
    "a NUL that only the database refuses": event("a\0b").encode(),
    "half a character": event().replace("good", "\\ud800").encode(),
    "a handler that raises": event("raise").encode(),
    "five megabytes": event(data={"filler": "x" * 5_000_000}).encode(),
}
POISON = {**UNREADABLE, **UNKNOWN, **FAILING}
HEADERS = {
    "compressed, it says": {"headers": {"compression": "application/x-gzip"}},
    "pickled, it says": {"content_type": "application/x-python-serialize"},
    "encoded, it says": {"content_encoding": "no-such-encoding"},
    "to expire, with a priority": {"expiration": "60000", "priority": 9},
}


@pytest.fixture
def no_pause(monkeypatch):
    """Attempts follow each other at once."""
    monkeypatch.setattr(inbox, "RETRY_S_BASE", 0)


def raising(taker):
    def handle(tx, event, now):
        if event.data["what"] == "raise":
            raise ValueError("it says so")
        taker().note(tx, event, now)

    return handle


def taker_of(spine, **more):
    made = []
    made.append(spine.taker(raising(lambda: made[0]), **more))
    return made[0]


def publish(spine, *bodies, key=ONE, **properties):
    channel = spine.channel()
    for body in bodies:
        channel.basic_publish(topology.EXCHANGE, key, body, pika.BasicProperties(**properties))


def parked(taker):
    return [row for row in taker.rows() if row["state"] == "parked"]


def test_each_kind_of_poison_is_parked_with_its_reason_and_no_neighbour_notices(
    spine, to_broker, no_pause
):
    maker, taker = spine.maker(), taker_of(spine, through=to_broker).connected()
    good = [f"m{number}" for number in range(3 * len(POISON))]
    for number, body in enumerate(POISON.values()):
        publish(spine, body)
        maker.say_and_relay(*good[3 * number : 3 * number + 3])
    taker.until_heard(*good)
    eventually(lambda: len(parked(taker)) == len(POISON), "all poison to be parked")
    reasons = {row["event_id"]: row["error"] for row in parked(taker)}
    assert all(reasons.values())
    assert sum(reason == inbox.NO_HANDLER for reason in reasons.values()) == len(UNKNOWN)
    assert sum(reason.startswith("not a CloudEvent") for reason in reasons.values()) == len(
        UNREADABLE
    )
    tried = [row for row in parked(taker) if row["attempts"]]
    assert [row["attempts"] for row in tried] == [inbox.ATTEMPTS_MAX] * len(FAILING)
    assert to_broker.connections == 1
    assert spine.depth(topology.DEAD) == 0


@pytest.mark.parametrize("headers", HEADERS)
def test_what_a_header_says_of_the_body_is_nobodys_business(spine, to_broker, headers):
    taker = spine.taker(through=to_broker).connected()
    publish(spine, event("good").encode(), **HEADERS[headers])
    taker.until_heard("good")
    assert to_broker.connections == 1


def test_a_message_that_came_by_another_way_is_handled_by_what_it_says(spine, to_broker):
    """As one an operator has moved back from the dead letters."""
    taker = spine.taker(through=to_broker).connected()
    channel = spine.channel()
    channel.basic_publish("", QUEUE, event("moved back").encode())
    channel.queue_bind(QUEUE, "amq.fanout")
    channel.basic_publish("amq.fanout", "a\0b", b"{")
    channel.basic_publish("amq.fanout", "a\0b", event("odd key").encode())
    taker.until_heard("moved back", "odd key")
    assert len(parked(taker)) == 1
    assert to_broker.connections == 1


@one_release
def test_others_wait_at_most_five_seconds_while_ten_poison_events_are_tried(spine):
    delays = []

    def handle(tx, event, now):
        if event.data["what"] == "raise":
            raise ValueError("it says so")
        delays.append((utc_now() - event.time).total_seconds())
        taker.note(tx, event, now)

    maker, taker = spine.maker(), spine.taker(handle).connected()
    maker.say_and_relay("before")
    publish(spine, *(event("raise").encode() for _ in range(10)))
    good = [f"m{number}" for number in range(200)]
    for what in good:
        maker.say_and_relay(what)
    taker.until_heard("before", *good)
    rows = taker.rows()
    assert {row["state"] for row in rows} == {"retry"} and len(rows) == 10
    assert sorted(delays)[int(0.99 * len(delays))] < DELAY_S_MAX


@one_release
def test_a_parked_event_takes_effect_once_when_replayed(spine, no_pause):
    mended = []

    def handle(tx, event, now):
        if not mended:
            raise ValueError("not mended")
        taker.note(tx, event, now)

    maker, taker = spine.maker(), spine.taker(handle).connected()
    (said,) = maker.say("late")
    maker.relay()
    eventually(lambda: parked(taker))
    mended.append(True)
    for expected in (True, False):
        with taker.runtime.transaction() as tx:
            assert inbox.replay(tx, said.id, utc_now()) is expected
        taker.until_heard("late")
    publish(spine, said.to_json().encode())
    maker.say_and_relay("last")
    taker.until_heard("late", "last")
    assert taker.rows() == []


class Supervised:
    """A worker in a process of its own, started again whenever it dies."""

    def __init__(self, spine, database):
        self.command = [sys.executable, "-m", "support.mortal", database, spine.broker_url]
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
        self.deaths, self.process = 0, None

    def tend(self):
        if self.process is None or self.process.poll() is not None:
            if self.process is not None:
                assert self.process.returncode == -signal.SIGKILL, self.process.returncode
                self.deaths += 1
            self.process = subprocess.Popen(self.command, env=self.env)

    def end(self):
        self.process.kill()
        self.process.wait()


TESTS = Path(__file__).parents[1]


def test_an_event_that_kills_the_process_is_parked_and_takes_no_neighbour_along(spine, no_pause):
    maker, taker = spine.maker(), spine.taker()
    good = [f"m{number}" for number in range(150)]
    maker.say_and_relay(*good[:50], "kill 1", *good[50:100], "kill 2", *good[100:])
    supervised = Supervised(spine, taker.database)
    try:
        deadline = monotonic() + 110
        while len(parked(taker)) < 2 or len(taker.heard()) < len(good):
            assert monotonic() < deadline, (supervised.deaths, taker.rows())
            supervised.tend()
            time.sleep(0.05)
    finally:
        supervised.end()
    assert sorted(taker.heard()) == sorted(good)
    assert supervised.deaths <= 2 * KILLS_MAX
    assert {row["error"] for row in parked(taker)} == {inbox.NEVER_ENDED}
    assert spine.depth(topology.DEAD) == 0
    assert spine.depth() == 0


def test_what_the_driver_cannot_read_ends_with_the_dead_letters_and_takes_no_neighbour_along(spine):
    """The last net: a property that is not UTF-8 breaks the driver before we see the message."""
    maker, taker = spine.maker(), spine.taker()
    good = [f"m{number}" for number in range(60)]
    maker.say_and_relay(*good[:30])
    publish(spine, b"{}", message_id=b"\xff\xfe")
    maker.say_and_relay(*good[30:])
    taker.connected().until_heard(*good, within_s=60)
    eventually(lambda: spine.depth(topology.DEAD) == 1)


def test_an_outbox_row_with_any_text_is_published_as_it_is(spine):
    texts = ['"quoted" \\ back', "caf\u00e9 \U0001f697 \u202e", "\u2028 line", "x" * 100_000]
    maker, taker = spine.maker(), spine.taker().connected()
    maker.say_and_relay(*texts)
    taker.until_heard(*texts)
    with maker.runtime.reading() as tx:
        assert tx.execute(sa.select(outbox.outbox.c.attempts)).scalars().all() == [0] * 4
