"""Jobs: each chunk of a day is done once, whoever found it due."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from carport.shared import bus, db, jobs, lease, migrate, worker
from carport.shared.config import Settings
from carport.shared.service import Job, Service

DAY = date(2025, 1, 2)
NOW = datetime(2025, 1, 2, 12, tzinfo=UTC)
metadata = sa.MetaData(naming_convention=db.CONVENTION)
done = db.table("done", metadata, db.auto_id(), sa.Column("chunk", db.Text, nullable=False))


class Shop:
    """A service with one job of two chunks, always due, and a clock that stands."""

    def __init__(self, folder):
        self.now, self.before_listing, self.fails_at = NOW, lambda: None, ""
        service = Service("shop", metadata, "none", jobs={"sweep": Job(self.chunks, self.run)})
        url = f"sqlite:///{folder / 'shop'}.db"
        self.runtime = db.Runtime(
            service, Settings("shop", url), db.make_engine(url), lambda: self.now
        )
        migrate.upgrade_spine(self.runtime.engine)
        metadata.create_all(self.runtime.engine)

    def chunks(self, tx, now):
        self.before_listing()
        return [(DAY, "a"), (DAY, "b")]

    def run(self, tx, chunk, now):
        tx.execute(done.insert().values(chunk=chunk))
        if chunk == self.fails_at:
            raise ZeroDivisionError

    def done(self):
        with self.runtime.reading() as tx:
            return list(tx.execute(sa.select(done.c.chunk).order_by(done.c.seq)).scalars())


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    yield made
    made.runtime.engine.dispose()


def test_a_chunk_that_is_done_is_not_done_again(shop):
    assert [jobs.run_once(shop.runtime, "one"), jobs.run_once(shop.runtime, "one")] == [2, 0]
    assert shop.done() == ["a", "b"]


def test_two_runners_that_found_a_chunk_due_do_it_once(shop):
    def another_does_all_and_is_gone():
        shop.before_listing = lambda: None
        assert jobs.run_once(shop.runtime, "other") == 2
        shop.now += timedelta(seconds=lease.LEASE_S + 1)

    shop.before_listing = another_does_all_and_is_gone
    assert jobs.run_once(shop.runtime, "one") == 0
    assert shop.done() == ["a", "b"]


def test_while_one_runner_holds_the_lease_another_does_nothing(shop):
    with shop.runtime.transaction() as tx:
        assert lease.take(tx, jobs.RUNNER, "one", shop.now)
    assert (jobs.run_once(shop.runtime, "other"), shop.done()) == (0, [])


def test_a_chunk_that_fails_leaves_nothing_holds_up_no_other_and_is_done_later(shop):
    shop.fails_at = "a"
    with pytest.raises(ZeroDivisionError):
        jobs.run_once(shop.runtime, "one")
    assert shop.done() == ["b"]
    shop.fails_at = ""
    assert (jobs.run_once(shop.runtime, "one"), shop.done()) == (1, ["b", "a"])


def test_a_loop_that_had_much_to_do_looks_again_without_being_woken(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "POLL_S", 60.0)
    looks, enough = [worker.MANY, 0, 0, 0, 0], threading.Event()

    def look():
        if len(looks) == 1:
            enough.set()
            return 0
        return looks.pop(0)

    busy = worker.Worker(Shop(tmp_path).runtime, bus.LocalBus())
    busy.steps["jobs"] = look
    busy.start()
    assert enough.wait(10)
    busy.stop()
