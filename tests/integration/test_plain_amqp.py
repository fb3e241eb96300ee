"""Anybody's AMQP client can read what Carport says: nothing of ours is used on that side."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources

import pika
import pytest
from carport.shared import events, outbox
from carport.shared.kernel.clock import utc_now
from jsonschema import Draft202012Validator
from support.spine import Maker

ENVELOPE = {
    "type": "object",
    "required": ["specversion", "id", "type", "source", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "type": {"type": "string", "pattern": r"^[a-z]+\.[a-z_]+\.v[0-9]+$"},
        "source": {"type": "string", "format": "uri-reference", "pattern": "^/carport/[a-z]+$"},
        "subject": {"type": "string", "minLength": 1},
        "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object"},
    },
    "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
}


def contract(type_):
    """The published one, as a stranger reads it."""
    text = resources.files("carport.shared").joinpath(f"contracts/{type_}.json").read_text()
    return json.loads(text)


@pytest.fixture
def published(spine):
    """One event of every type, as a client of its own queue receives it."""
    channel = spine.channel()
    channel.exchange_declare("carport.events", "topic", durable=True)
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "carport.events", "#")
    maker: Maker = spine.maker(published=events.contracts())
    said = [
        events.make(type_, subject="s", data=contract(type_)["example"], now=utc_now())
        for type_ in events.contracts()
    ]
    with maker.runtime.transaction() as tx:
        outbox.add(tx, *said)
    while maker.unsent_number():
        maker.relay()
    received = [channel.basic_get(queue, auto_ack=True) for _ in said]
    assert channel.basic_get(queue)[0] is None
    return [(event, *parts) for event, parts in zip(said, received, strict=True)]


def test_every_event_is_a_plain_cloudevent_that_follows_its_published_contract(published):
    envelope = Draft202012Validator(ENVELOPE)
    for event, method, properties, body in published:
        document = json.loads(body.decode("utf-8"))
        envelope.validate(document)
        Draft202012Validator(contract(document["type"])["schema"]).validate(document["data"])
        assert document["id"] == event.id == properties.message_id
        assert document["type"] == event.type == properties.type == method.routing_key
        assert datetime.fromisoformat(document["time"]) == event.time


def test_the_properties_say_what_it_is_and_that_it_shall_last(published):
    for _, method, properties, _ in published:
        assert properties.content_type == "application/cloudevents+json"
        assert properties.delivery_mode == pika.DeliveryMode.Persistent.value
        assert not properties.headers
        assert not method.redelivered
