"""A suite in this process, on a folder of its own."""

from __future__ import annotations

import pytest
from carport.allinone import suite as allinone
from carport.shared import telemetry


@pytest.fixture
def make_suite(tmp_path):
    """Builds and starts a suite on *name*; all are stopped at the end."""
    telemetry.configure("tests", level="ERROR")
    started = []

    def make(name="var", *, demo=False):
        home = allinone.Home(tmp_path / name, 8000, demo, 1_000_000)
        running = allinone.build(home)
        running.start()
        started.append(running)
        return running

    yield make
    for running in started:
        running.stop()


@pytest.fixture
def suite(make_suite):
    return make_suite()
