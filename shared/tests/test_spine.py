"""Outbox, local bus, inbox and worker, end to end on real tables: two toy services and a bus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from carport.shared import db, delivery, events, inbox, migrate, outbox, worker
from carport.shared.bus import LocalBus, Message
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.errors import NotYet, Unavailable
from carport.shared.kernel.ids import new_id
from carport.shared.service import Service

START = datetime(2025, 1, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def seen_table() -> sa.Table:
    """What a consumer has handled, in order."""
    return db.table(
        "seen",
        sa.MetaData(naming_convention=db.CONVENTION),
        db.auto_id(),
        sa.Column("what", db.Text, nullable=False),
    )


class Pair:
    """``maker`` says ``maker.thing_made.v1``; ``taker`` handles it with *handler*."""

    def __init__(self, folder: Path, handler: Callable[..., None] | None = None) -> None:
        self.clock = Clock()
        self.seen = seen_table()
        self.bus = LocalBus()
        publishes = frozenset({"maker.thing_made.v1"})
        handlers = {"maker.thing_made.v1": handler or self.note}
        maker = Service("maker", sa.MetaData(), "none", publishes=publishes)
        taker = Service("taker", self.seen.metadata, "none", handlers=handlers)
        self.maker = self._runtime(folder, maker)
        self.taker = self._runtime(folder, taker)
        worker.subscribe(self.bus, self.taker)

    def _runtime(self, folder: Path, service: Service) -> Runtime:
        url = f"sqlite:///{folder / service.name}.db"
        runtime = Runtime(service, Settings(service.name, url), db.make_engine(url), self.clock)
        migrate.upgrade_spine(runtime.engine)
        service.metadata.create_all(runtime.engine)
        return runtime

    def note(self, tx: sa.Connection, event: events.Event, now: datetime) -> None:
        tx.execute(self.seen.insert().values(what=event.data["what"]))

    def say(self, what: str, subject: str = "s", **more: Any) -> events.Event:
        event = events.make("maker.thing_made.v1", subject=subject, data={"what": what},
                            now=self.clock(), **more)  # fmt: skip
        with self.maker.transaction() as tx:
            outbox.add(tx, event)
        return event

    def drain(self) -> None:
        worker.drain([self.maker, self.taker], self.bus)

    def heard(self) -> list[str]:
        with self.taker.reading() as tx:
            return list(tx.execute(sa.select(self.seen.c.what).order_by(self.seen.c.seq)).scalars())


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def states(pair):
    with pair.taker.reading() as tx:
        return [row["state"] for row in inbox.unfinished(tx)]


def sent(pair):
    with pair.maker.reading() as tx:
        return tx.execute(
            sa.select(sa.func.count()).where(outbox.outbox.c.sent_at.is_not(None))
        ).scalar()


def message(event, *, redelivered=False):
    return Message(event.id, event.type, event.to_json(), redelivered)


def test_events_are_handled_in_order_and_marked_sent(pair):
    for what in ("a", "b", "c"):
        pair.say(what)
    pair.drain()
    assert (pair.heard(), sent(pair)) == (["a", "b", "c"], 3)


def test_an_event_of_a_rolled_back_transaction_is_never_heard(pair):
    event = events.make("maker.thing_made.v1", subject="s", data={"what": "x"}, now=START)

    def fail_after_adding():
        with pair.maker.transaction() as tx:
            outbox.add(tx, event)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_adding()
    pair.say("committed")
    pair.drain()
    assert pair.heard() == ["committed"]


def test_the_same_event_delivered_again_has_no_second_effect(pair):
    event = pair.say("once")
    pair.drain()
    for redelivered in (False, True):
        delivery.deliver(pair.taker, message(event, redelivered=redelivered))
    assert pair.heard() == ["once"]


def test_a_handler_that_fails_leaves_nothing_and_is_tried_five_times_then_parked(tmp_path):
    calls = []

    def fails(tx, event, now):
        tx.execute(pair.seen.insert().values(what="half"))
        calls.append(event.id)
        raise ValueError("cannot")

    pair = Pair(tmp_path, fails)
    pair.say("poison")
    for _ in range(10):
        pair.drain()
        pair.clock.move(60)
    assert (len(calls), states(pair), pair.heard(), sent(pair)) == (5, ["parked"], [], 1)


def test_a_poison_event_delays_nobody(tmp_path):
    def picky(tx, event, now):
        if event.data["what"] == "poison":
            raise ValueError("cannot")
        pair.note(tx, event, now)

    pair = Pair(tmp_path, picky)
    for what in ("poison", "good"):
        pair.say(what)
    pair.drain()
    assert (pair.heard(), states(pair)) == (["good"], ["retry"])


def test_a_parked_event_is_handled_once_after_replay(tmp_path):
    healthy = []

    def handler(tx, event, now):
        if not healthy:
            raise ValueError("not yet mended")
        pair.note(tx, event, now)

    pair = Pair(tmp_path, handler)
    event = pair.say("late")
    for _ in range(6):
        pair.drain()
        pair.clock.move(60)
    assert states(pair) == ["parked"]
    healthy.append(True)
    with pair.taker.transaction() as tx:
        assert inbox.replay(tx, event.id, pair.clock())
    pair.drain()
    with pair.taker.transaction() as tx:
        assert not inbox.replay(tx, event.id, pair.clock())
    assert pair.heard() == ["late"]


def test_an_event_whose_predecessor_is_missing_waits_without_limit_and_is_woken_by_it(tmp_path):
    def second_needs_first(tx, event, now):
        heard = tx.execute(sa.select(pair.seen.c.what)).scalars().all()
        if event.data["what"] == "second" and "first" not in heard:
            raise NotYet("first")
        pair.note(tx, event, now)

    pair = Pair(tmp_path, second_needs_first)
    pair.say("second", subject="contract")
    for _ in range(20):
        pair.drain()
        pair.clock.move(60)
    assert states(pair) == ["waiting"]
    pair.say("first", subject="contract")
    pair.drain()
    assert pair.heard() == ["first", "second"]


def test_an_event_that_kills_the_process_is_counted_before_it_is_tried_and_parked(tmp_path):
    class ProcessDied(BaseException):
        """Goes past every handler of exceptions, as SIGKILL does."""

    def kills(tx, event, now):
        raise ProcessDied

    pair = Pair(tmp_path, kills)
    pair.say("killer")
    deaths = 0
    for _ in range(10):
        try:
            pair.drain()
        except ProcessDied:
            deaths += 1
    assert (deaths, states(pair), sent(pair)) == (6, ["parked"], 1)


def test_a_busy_database_is_waited_for_and_costs_no_attempt(tmp_path):
    away = [1]

    def handler(tx, event, now):
        if away:
            raise Unavailable
        pair.note(tx, event, now)

    pair = Pair(tmp_path, handler)
    pair.say("patient")
    for _ in range(10):
        pair.drain()
        pair.clock.move(60)
    assert states(pair) == ["waiting"]
    away.clear()
    pair.drain()
    assert pair.heard() == ["patient"]


def test_the_error_kept_of_an_event_repeats_no_value_of_it(tmp_path):
    def clashes(tx, event, now):
        for _ in range(2):
            tx.execute(pair.seen.insert().values(seq=1, what=event.data["what"]))

    pair = Pair(tmp_path, clashes)
    pair.say("Dana, 12 Elm Street")
    pair.drain()
    with pair.taker.reading() as tx:
        (row,) = inbox.unfinished(tx)
    assert row["error"].startswith("IntegrityError: (sqlite3.IntegrityError) UNIQUE")
    assert "Dana" not in row["error"]


def test_no_look_for_unfinished_events_reads_the_done_ones(pair):
    asked = []

    @sa.event.listens_for(pair.taker.engine, "before_cursor_execute")
    def note(_connection, _cursor, sql, values, _context, _many):
        asked.append((sql, values))

    pair.say("x")
    pair.drain()
    delivery.retry_once(pair.taker, waiting=True)
    with pair.taker.reading() as tx:
        inbox.unfinished(tx)
    looks = {sql: values for sql, values in asked if "state" in sql and "INSERT" not in sql}
    assert len(looks) == 4
    with pair.taker.reading() as tx:
        for sql, values in looks.items():
            (*_, plan), *_ = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
            assert "ix_inbox_due" in plan, sql


def test_what_is_no_cloudevent_is_parked_once_under_the_hash_of_its_bytes(pair):
    for _ in range(2):
        delivery.deliver(pair.taker, Message("x", "maker.thing_made.v1", "[]", False))
    assert states(pair) == ["parked"]


def test_done_events_are_counted_by_source_and_business_day(pair):
    day = pair.clock().date()
    for _ in range(3):
        pair.say("x", businessdate=day)
    pair.say("no day")
    pair.drain()
    with pair.taker.reading() as tx:
        assert inbox.count_of_day(tx, "maker", day) == {"maker.thing_made.v1": 3}
    with pair.maker.reading() as tx:
        assert outbox.count_of_day(tx, day, ["maker.thing_made.v1"]) == {"maker.thing_made.v1": 3}


def test_a_relay_that_lost_its_lease_marks_nothing(pair):
    pair.say("a")
    mine, other = new_id(pair.clock()), new_id(pair.clock())

    class Slow:
        handles_here = True

        def publish(self, messages):
            pair.clock.move(3600)
            outbox.relay_once(pair.maker, pair.bus, other)
            with pair.maker.transaction() as tx:
                tx.execute(outbox.outbox.update().values(sent_at=None))
            return {m.id for m in messages}

    assert outbox.relay_once(pair.maker, Slow(), mine) == 0
    assert sent(pair) == 0


class ElsewhereBus:
    """A broker that confirms everything."""

    handles_here = False

    def __init__(self):
        self.sent = []

    def publish(self, messages):
        self.sent.append(len(messages))
        return {message.id for message in messages}


def test_a_backlog_goes_out_batch_after_batch_in_one_pass(pair, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 2)
    for name in "abcde":
        pair.say(name)
    bus = ElsewhereBus()
    assert outbox.relay_once(pair.maker, bus, new_id(pair.clock())) == 5
    assert bus.sent == [2, 2, 1]


def test_a_pass_over_a_backlog_comes_to_an_end_while_more_is_said(pair, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 2)
    monkeypatch.setattr(outbox, "PASS_S_MAX", 0)
    for name in "abcde":
        pair.say(name)
    bus = ElsewhereBus()
    assert outbox.relay_once(pair.maker, bus, new_id(pair.clock())) == 2
    assert bus.sent == [2]


def test_a_second_relay_does_nothing_while_the_first_holds_the_lease(pair):
    pair.say("a")
    first, second = new_id(pair.clock()), new_id(pair.clock())
    outbox.relay_once(pair.maker, pair.bus, first)
    pair.say("b")
    assert outbox.relay_once(pair.maker, pair.bus, second) == 0
    assert outbox.relay_once(pair.maker, pair.bus, first) == 1
