"""One running suite for the tests that only add to it."""

from __future__ import annotations

import pytest
from support.client import Api
from support.running import Running
from support.world import World


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("suite") / "var").start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def api(suite):
    return Api(suite.url)


@pytest.fixture(scope="session")
def staff(suite):
    return Api(suite.url).staff()


@pytest.fixture(scope="session")
def world(api, staff):
    """Somebody with one of everything, and a stranger."""
    return World(api, staff)
