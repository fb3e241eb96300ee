"""Real servers as fixtures: containers of this run, or what `support.servers` finds.

A conftest imports those its lane needs, and all that these need. Where there is no server the tests
are skipped with the reason, but never in CI.
"""

from __future__ import annotations

import os
import uuid

import pytest
import sqlalchemy as sa
from redis import Redis

from support import brokers, servers
from support.proxy import Proxy
from support.spine import Spine
from support.store import own_store


def there_is_none(error):
    """Skip, but never in CI."""
    if os.environ.get("CI"):
        pytest.fail(str(error))
    pytest.skip(str(error))


one_release = pytest.mark.parametrize("era", servers.eras()[-1:], indirect=True)
"""For what is a matter of our own processes and connections, which no server's release changes."""


@pytest.fixture(scope="session", params=servers.eras())
def era(request):
    """The releases of servers that tests of both run on: ``oldest`` and ``newest``."""
    return request.param


@pytest.fixture(scope="session")
def postgres():
    """An engine of a server of the release that is asked for, to make databases with."""
    made = {}

    def of(release):
        if release not in made:
            try:
                url, container = servers.postgres(release)
            except servers.Missing as error:
                there_is_none(error)
            made[release] = sa.create_engine(url, isolation_level="AUTOCOMMIT"), container
        return made[release][0]

    yield of
    for engine, container in made.values():
        engine.dispose()
        if container:
            container.remove()


@pytest.fixture(scope="session")
def server(postgres):
    """An engine of the newest server's own database."""
    return postgres(servers.eras()[-1])


@pytest.fixture
def database_url(server):
    """A database for one test."""
    name = f"carport_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def own_broker(era, tmp_path_factory):
    """A RabbitMQ that may be filled, blocked and killed."""
    try:
        broker = brokers.own(era, tmp_path_factory.mktemp("broker") / "rabbitmq")
    except servers.Missing as error:
        there_is_none(error)
    yield broker
    broker.remove()


@pytest.fixture(scope="session")
def broker(era, request):
    """A RabbitMQ: our own where an engine gives us one."""
    if servers.has_engine():
        yield request.getfixturevalue("own_broker")
        return
    try:
        found = brokers.FoundBroker()
    except servers.Missing as error:
        there_is_none(error)
    yield found
    found.remove()


@pytest.fixture
def spine(era, postgres, broker):
    """Services on a broker without anything of an earlier test."""
    yield from spine_on(postgres(era), broker)


@pytest.fixture
def own_spine(era, postgres, own_broker):
    """The same on a broker that may be filled and blocked."""
    yield from spine_on(postgres(era), own_broker)


def spine_on(engine, broker):
    brokers.clean(broker.url)
    made = Spine(engine, broker.url)
    yield made
    made.close()


@pytest.fixture
def to_broker(broker):
    """A faulty way to the broker."""
    proxy = Proxy((broker.host, broker.port))
    yield proxy
    proxy.close()


@pytest.fixture
def to_database(era, postgres):
    """A faulty way to the database."""
    url = postgres(era).url
    proxy = Proxy((url.host, url.port or 5432))
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def valkey_url():
    """A database of a Valkey; what this run puts there goes with it."""
    try:
        url, container = servers.valkey()
    except servers.Missing as error:
        there_is_none(error)
    with Redis.from_url(url) as client:
        before = set(client.keys())
        yield url
        if container:
            container.remove()
        elif made := set(client.keys()) - before:
            client.delete(*made)


@pytest.fixture
def own_valkey():
    """A Valkey that may be paused and killed."""
    try:
        made = own_store()
    except servers.Missing as error:
        there_is_none(error)
    yield made
    made.remove()
