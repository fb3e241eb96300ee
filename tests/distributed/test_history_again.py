"""F16: everything that was ever said is published again, three times and in any order."""

from __future__ import annotations

import hashlib
import random
import uuid

import pika
import sqlalchemy as sa
from carport.shared.amqp import topology
from support.client import eventually
from support.cluster import SERVICES

TIMES = 3
HEARD_S_MAX = 120
SENT = "SELECT event_id, type, body FROM outbox WHERE sent_at IS NOT NULL"
TABLES = """SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_name <> 'lease' ORDER BY 1"""
"""All but the leases of relay and jobs, which are renewed."""
CONTENT = """SELECT count(*), md5(string_agg(md5(one::text), '' ORDER BY md5(one::text)))
    FROM "{table}" one"""
PARKED = "SELECT count(*) AS number FROM inbox WHERE event_id = :id"


def test_the_whole_history_three_times_over_in_any_order_changes_no_row(cluster, traffic, books):
    with traffic(rate_per_s=5) as load:
        load.go_on(5)
    books.accepted |= load.told.accepted
    books.settle()
    history = [row for service in SERVICES for row in rows(cluster, service, SENT)]
    assert len({row.type for row in history}) > 10
    before = content(cluster)
    assert publish(cluster, history * TIMES) == TIMES * len(history)
    assert content(cluster) == before


def content(cluster):
    """Number and digest of the rows of every table of every database."""
    return {
        f"{service}.{table}": tuple(rows(cluster, service, CONTENT.format(table=table))[0])
        for service in SERVICES
        for (table,) in rows(cluster, service, TABLES)
    }


def publish(cluster, events):
    """Publish *events* shuffled, and wait until every queue has been read; how many they were."""
    random.Random(16).shuffle(events)
    with pika.BlockingConnection(pika.URLParameters(cluster.env["CARPORT_BUS_URL"])) as connection:
        channel = connection.channel()
        for each in events:
            properties = pika.BasicProperties(message_id=each.event_id, delivery_mode=2)
            channel.basic_publish(topology.EXCHANGE, each.type, each.body.encode(), properties)
        wait_until_read(cluster, channel)
    return len(events)


def wait_until_read(cluster, channel):
    """A queue is read in its order: what comes last, and is no event, is seen in the inbox."""
    last = uuid.uuid4().bytes
    for service in SERVICES:
        channel.basic_publish("", topology.queue_of(service), last)
    parked = {"id": hashlib.sha256(last).hexdigest()}
    for service in SERVICES:
        eventually(lambda service=service: rows(cluster, service, PARKED, **parked)[0].number,
                   f"all to be read by {service}", within_s=HEARD_S_MAX)  # fmt: skip
        with cluster.engine(service).begin() as connection:
            connection.execute(sa.text("DELETE FROM inbox WHERE event_id = :id"), parked)


def rows(cluster, service, query, **values):
    with cluster.engine(service).connect() as connection:
        return list(connection.execute(sa.text(query), values))
