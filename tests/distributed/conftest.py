"""One distributed suite for the lane, on servers of the newest release that may all be stopped; its
tests leave it whole."""

from __future__ import annotations

import pytest
from support import brokers, servers
from support.books import Books
from support.client import Api
from support.fixtures import own_broker, postgres, valkey_url
from support.rollout import Rollout
from support.traffic import Traffic, household

__all__ = ["own_broker", "postgres", "valkey_url"]


def pytest_collection_modifyitems(items):
    """A minute's outage takes more than a minute. Tests with a suite of their own come first, while
    the other does not run yet: together they are more processes than a small machine starts in
    time."""
    items.sort(key=lambda item: "cluster" in item.fixturenames)
    for item in items:
        item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def era():
    """The release of the servers."""
    return servers.eras()[-1]


@pytest.fixture(scope="session")
def postgres_url(postgres, era):
    """Of a superuser."""
    return postgres(era).url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def cluster(postgres_url, own_broker, valkey_url, tmp_path_factory):
    """The suite with three workers of accounts."""
    with brokers.own_host(own_broker) as amqp:
        made = Rollout(
            tmp_path_factory.mktemp("cluster"), postgres=postgres_url, amqp=amqp, valkey=valkey_url
        )
        try:
            yield made.start()
        finally:
            made.stop()


@pytest.fixture(scope="session")
def books(cluster):
    """What all clients of the lane were told."""
    return Books(cluster)


@pytest.fixture(scope="session")
def house(cluster):
    """Who pays."""
    api = Api(cluster.url)
    return household(api, api.staff())


@pytest.fixture
def traffic(house, books):
    """Makes traffic; in the end every payment it was told of is posted once, and all holds."""
    made = []

    def of(**more):
        made.append(Traffic(house, **more))
        return made[-1]

    yield of
    for each in made:
        books.accepted |= each.told.accepted
    books.settle()
