"""I-50: every process is started before anything it needs answers, in any order."""

from __future__ import annotations

import random
import time

import httpx2
import pytest
import sqlalchemy as sa
from support import brokers
from support.client import eventually
from support.cluster import NAMES, Cluster
from support.proxy import Proxy
from support.spine import proxied

READY_S_MAX = 10.0
ALIVE_S_MAX = 60.0


@pytest.fixture(scope="module")
def ways(own_broker, postgres_url):
    """To the broker and to the databases."""
    url = sa.make_url(postgres_url)
    made = {"broker": Proxy((own_broker.host, own_broker.port)),
            "database": Proxy((url.host, url.port or 5432))}  # fmt: skip
    yield made
    for proxy in made.values():
        proxy.close()


@pytest.fixture(scope="module")
def cold(ways, own_broker, postgres_url, valkey_url, tmp_path_factory):
    """Empty databases, keys, and nothing that runs."""
    with brokers.own_host(own_broker) as amqp:
        made = Cluster(
            tmp_path_factory.mktemp("cold"),
            postgres=proxied(postgres_url, ways["database"]),
            amqp=proxied(amqp, ways["broker"]),
            valkey=valkey_url,
        )
        made.prepare()
        try:
            yield made
        finally:
            ways["database"].accept()
            made.stop()


@pytest.mark.parametrize("first", ["database", "broker"])
def test_whatever_answers_first_all_is_ready_ten_seconds_after_the_last(cold, ways, first):
    names = list(NAMES)
    random.Random(first).shuffle(names)
    for way in ways.values():
        way.refuse()
    try:
        for name in names:
            cold.spawn(name)
        for name in names:
            eventually(lambda name=name: lives(cold, name), name, within_s=ALIVE_S_MAX)
        ready = {name for name in names if cold.answers(name)}
        assert ready <= {"gateway"}  # which needs the keys of auth, and those no database
        for name in (first, *(ways.keys() - {first})):
            ways[name].accept()
            if name == "database":
                cold.migrate()
        began = time.monotonic()
        cold.wait(READY_S_MAX)
        within_s = began + READY_S_MAX - time.monotonic()
        eventually(lambda: all(map(cold.answers, names)), "every role", within_s=within_s)
        assert not [name for name in names if cold.died(name)]
    finally:
        for name in names:
            cold.kill(name)
            cold.processes[name].wait()


def lives(cluster, name):
    """Whether the role says on its private port that it is alive."""
    url = f"http://127.0.0.1:{cluster.ports[name] + 1}/healthz"
    try:
        return httpx2.get(url, timeout=3, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False
