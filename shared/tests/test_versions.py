"""Two versions of an event at once, and what many of them at a time become."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from carport.shared import db, delivery, events, inbox, migrate
from carport.shared.bus import Message
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.errors import NotYet
from carport.shared.service import Service, batched, commuting

NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)
V1, V2 = "maker.thing_made.v1", "maker.thing_made.v2"


class Taker:
    """A consumer whose handlers are of one release or another."""

    def __init__(self, folder):
        self.table = db.table(
            "seen",
            sa.MetaData(naming_convention=db.CONVENTION),
            db.auto_id(),
            sa.Column("what", db.Text, nullable=False),
        )
        url = f"sqlite:///{folder}/taker.db"
        service = Service("taker", self.table.metadata, "none")
        self.runtime = Runtime(service, Settings("taker", url), db.make_engine(url), lambda: NOW)
        migrate.upgrade_spine(self.runtime.engine)
        self.table.metadata.create_all(self.runtime.engine)

    def release(self, **handlers):
        """The same database under a release with *handlers*, by version."""
        named = {f"maker.thing_made.{name}": handler for name, handler in handlers.items()}
        self.runtime.service = Service("taker", self.table.metadata, "none", handlers=named)

    def note(self, tx, *what):
        tx.execute(self.table.insert(), [{"what": each} for each in what])

    def on_v1(self, tx, event, now):
        self.note(tx, event.data["name"])

    def on_v2(self, tx, event, now):
        self.note(tx, f"{event.data['first']} {event.data['last']}")

    def seen(self):
        with self.runtime.reading() as tx:
            return list(
                tx.execute(sa.select(self.table.c.what).order_by(self.table.c.seq)).scalars()
            )

    def unfinished(self):
        with self.runtime.reading() as tx:
            return {row["event_id"]: (row["state"], row["error"]) for row in inbox.unfinished(tx)}


@pytest.fixture
def taker(tmp_path):
    return Taker(tmp_path)


def make(type_=V1, subject="s", **data):
    return events.make(type_, subject=subject, data=data, now=NOW)


def message(event):
    return Message(event.id, event.type, event.to_json(), redelivered=False)


def test_a_consumer_takes_the_version_before_and_the_present_one(taker):
    taker.release(v1=taker.on_v1, v2=taker.on_v2)
    both = make(V1, name="Ada Lovelace"), make(V2, first="Grace", last="Hopper")
    delivery.deliver_many(taker.runtime, [message(event) for event in both])
    assert taker.seen() == ["Ada Lovelace", "Grace Hopper"]


def test_a_version_from_the_future_is_kept_and_taken_up_by_the_release_that_knows_it(taker):
    taker.release(v1=taker.on_v1)
    newer = make(V2, first="Grace", last="Hopper")
    delivery.deliver(taker.runtime, message(newer))
    assert taker.unfinished() == {newer.id: ("parked", inbox.NO_HANDLER)}
    taker.release(v1=taker.on_v1, v2=taker.on_v2)
    with taker.runtime.transaction() as tx:
        assert inbox.adopt(tx, list(taker.runtime.service.handlers), NOW) == 1
    assert delivery.retry_once(taker.runtime) == 1
    assert (taker.seen(), taker.unfinished()) == (["Grace Hopper"], {})


def test_what_was_parked_for_another_reason_is_not_taken_up(taker):
    taker.release(v1=taker.on_v1)
    delivery.deliver(taker.runtime, Message("x", V1, "[]", redelivered=False))
    with taker.runtime.transaction() as tx:
        assert inbox.adopt(tx, [V1, V2], NOW) == 0


def test_neighbours_that_commute_share_a_transaction_and_others_do_not(taker):
    sizes = []

    def note(tx, batch, now):
        sizes.append(len(batch))
        taker.note(tx, *(event.data["name"] for event in batch))

    taker.release(v1=batched(note), v2=taker.on_v2)
    given = [make(name="a"), make(name="b"), make(V2, first="c", last="d"), make(name="e")]
    delivery.deliver_many(taker.runtime, [message(event) for event in given])
    assert (sizes, sorted(taker.seen())) == ([2, 1], ["a", "b", "c d", "e"])


def test_events_of_one_subject_keep_their_order_in_a_batch(taker):
    taker.release(v1=commuting(taker.on_v1))
    given = [make(subject=s, name=f"{s}{n}") for n in range(3) for s in ("z", "a")]
    delivery.deliver_many(taker.runtime, [message(event) for event in given])
    assert taker.seen() == ["a0", "a1", "a2", "z0", "z1", "z2"]


def test_a_batch_with_a_duplicate_takes_effect_once(taker):
    taker.release(v1=commuting(taker.on_v1))
    event = make(name="once")
    delivery.deliver_many(taker.runtime, [message(event)] * 3)
    delivery.deliver_many(taker.runtime, [message(event), message(make(name="other"))])
    assert taker.seen() == ["once", "other"]


def test_a_batch_that_fails_is_taken_apart_and_only_the_culprit_is_set_aside(taker):
    def picky(tx, event, now):
        if event.data["name"] == "early":
            raise NotYet("its predecessor is missing")
        taker.on_v1(tx, event, now)

    taker.release(v1=commuting(picky))
    given = [make(name="a"), make(name="early"), make(name="b")]
    safe = []
    delivery.deliver_many(taker.runtime, [message(event) for event in given], safe.append)
    assert (taker.seen(), safe) == (["a", "b"], [1, 1, 1])
    assert taker.unfinished() == {given[1].id: ("waiting", "NotYet: its predecessor is missing")}


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", "null", '{"id": 1}', "\udcff\udcfe", "\0", "9" * 5000],
    ids=["empty", "list", "open", "null", "no-names", "not-utf8", "nul", "number"],
)
def test_what_is_no_event_is_parked_under_its_hash_and_holds_up_nobody(taker, body):
    taker.release(v1=commuting(taker.on_v1))
    junk = Message("", V1, body, redelivered=False)
    delivery.deliver_many(taker.runtime, [junk, message(make(name="good")), junk])
    assert taker.seen() == ["good"]
    ((id_, (state, error)),) = taker.unfinished().items()
    assert (len(id_), state) == (64, "parked")
    assert error.startswith("not a CloudEvent")
