"""How a commit wakes the loops of other processes, on a real PostgreSQL."""

from __future__ import annotations

import time

import pytest
from carport.shared import db, wakeup
from support.client import eventually

SECONDS = 0.5


@pytest.fixture
def engine(database_url):
    made = db.make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def wakes(engine):
    """Of two processes, as far as they know; the second one listens."""
    speaking, listening = wakeup.connect(engine), wakeup.connect(engine)
    listening.listen()
    eventually(listening.loops["jobs"].is_set, "it to listen")
    yield speaking, listening
    for each in (speaking, listening):
        each.close()


def test_a_commit_wakes_the_loop_it_names_in_another_process(wakes):
    speaking, listening = wakes
    for loop in listening.loops.values():
        loop.clear()
    speaking("effects")
    assert listening.loops["effects"].wait(10)
    assert not listening.loops["relay"].is_set()


def test_a_process_that_commits_without_pause_says_so_a_few_times_and_once_more_at_the_end(
    wakes, engine
):
    speaking, heard = wakes[0], []
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.rollback()
        raw.autocommit = True
        raw.execute(f"LISTEN {wakeup.CHANNEL}")
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            speaking("relay")
        speaking("jobs")
        while "jobs" not in heard:
            heard += [told.payload for told in raw.notifies(timeout=10, stop_after=1)]
            heard += heard.pop().split()
        raw.autocommit = False
    assert 2 <= len(heard) < SECONDS / wakeup.COALESCE_S / 3
