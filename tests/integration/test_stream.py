"""Streams over a real PostgreSQL: woken by another process, and numbered by several at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from carport.notifications import commands, queries, repo
from carport.notifications.api import stream
from carport.notifications.service import SERVICE
from carport.shared import db, migrate, testing, wakeup, web
from carport.shared.db import Runtime
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id

SOON_S = 10.0
NUMBERERS = 6


@pytest.fixture
def make(database_url, tmp_path):
    """A process of notifications: its runtime, with its own connections."""
    settings = testing.settings("notifications", tmp_path, database_url=database_url, stream_s=60)
    made = []

    def one():
        runtime = Runtime(SERVICE, settings, db.make_engine(database_url))
        runtime.wake = wakeup.connect(runtime.engine)
        made.append(runtime)
        return runtime

    migrate.upgrade(one().engine, SERVICE)
    yield one
    for runtime in made:
        runtime.wake.close()
        runtime.engine.dispose()


def store(runtime, party_id, wakes=True):
    """One message, as a handler stores it."""
    message_id = new_id(utc_now())
    made = {"id": message_id, "key": message_id, "party_id": party_id, "kind": "payment_due",
            "event_type": "x", "event_id": message_id, "subject": "x", "body": "x"}  # fmt: skip
    with runtime.transaction() as tx:
        assert repo.insert_message(tx, **made, created_at=utc_now())
        if wakes:
            db.wake(tx, "stream")
    return message_id


def test_a_stream_is_woken_by_the_commit_of_another_process(make, monkeypatch):
    monkeypatch.setattr(stream, "POLL_S", 60.0)
    worker, serving = make(), make()
    serving.wake.listen()
    party_id = new_id(utc_now())
    client = web.create_app(serving).test_client()
    who = testing.bearer(serving, claims={"party": party_id})
    with client.get("/v1/messages/stream", headers=who) as answer:
        texts = iter(answer.response)
        next(texts)
        heard = []
        reading = threading.Thread(target=lambda: heard.append(next(texts)), daemon=True)
        reading.start()
        message_id = store(worker, party_id)
        reading.join(SOON_S)
        assert message_id.encode() in heard[0]


def test_messages_numbered_by_several_at_once_have_each_a_number_of_their_own(make):
    runtimes = [make() for _ in range(NUMBERERS)]
    party_id = new_id(utc_now())
    at_once = threading.Barrier(NUMBERERS)

    def work(runtime):
        seen, after = [], 0
        for _ in range(10):
            at_once.wait(SOON_S)
            store(runtime, party_id, wakes=False)
            with runtime.transaction() as tx:
                commands.number_messages(tx, party_id)
            with runtime.reading() as tx:
                found = queries.messages_after(tx, party_id, after, limit=1000)
            seen += [number for number, _ in found]
            after = found[-1][0]
        return seen

    with ThreadPoolExecutor(NUMBERERS) as pool:
        told = list(pool.map(work, runtimes))
    with runtimes[0].reading() as tx:
        every = [n for n, _ in queries.messages_after(tx, party_id, 0, limit=1000)]
    assert every == list(range(1, NUMBERERS * 10 + 1))
    for seen in told:
        assert seen == every[: len(seen)]
