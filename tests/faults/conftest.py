"""One distributed suite for the lane, on servers of the newest release, and who pays with it."""

from __future__ import annotations

import pytest
from support import brokers, servers
from support.books import Books
from support.cluster import Cluster
from support.fixtures import broker, own_broker, postgres, valkey_url
from support.people import Payer
from support.points import Doomed

__all__ = ["broker", "own_broker", "postgres", "valkey_url"]


@pytest.fixture(scope="session")
def era():
    """The release of the servers."""
    return servers.eras()[-1]


@pytest.fixture(scope="session")
def cluster(era, postgres, broker, valkey_url, tmp_path_factory):
    """The suite as processes, on a virtual host of its own."""
    with brokers.own_host(broker) as host:
        made = Cluster(
            tmp_path_factory.mktemp("cluster"),
            postgres=postgres(era).url.render_as_string(hide_password=False),
            amqp=host,
            valkey=valkey_url,
        )
        try:
            yield made.start()
        finally:
            made.stop()


@pytest.fixture(scope="session")
def boarded(cluster):
    """A customer of the lane."""
    return Payer(Books(cluster))


@pytest.fixture
def payer(boarded):
    """The customer, just logged in; whatever a test does, in the end all holds again."""
    boarded.customer = boarded.api.log_in(boarded.email)
    yield boarded
    boarded.books.settle()


@pytest.fixture
def doomed(cluster):
    """Makes a role that is to fall; in the end it runs as it should."""
    made = []

    def of(name):
        made.append(Doomed(cluster, name))
        return made[-1]

    yield of
    for each in made:
        if each.point:
            each.revive()
