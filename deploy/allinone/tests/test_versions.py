"""Producers one release ahead: what consumers do with members they have never heard of."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx2
import pytest
from carport.shared.bus import LocalBus
from support import journeys
from support.client import Api

STRANGE = {"added_later": [1, {"deep": None}], "added_too": "x"}


def with_more(value):
    """*value* with members nobody knows in every object of it."""
    if isinstance(value, dict):
        return {**{name: with_more(member) for name, member in value.items()}, **STRANGE}
    if isinstance(value, list):
        return [with_more(member) for member in value]
    return value


def newer(message):
    """The same event as a later release might say it: more attributes, more data."""
    event = json.loads(message.body)
    event |= {"addedextension": "1", "data": with_more(event["data"])}
    return replace(message, body=json.dumps(event))


def test_members_added_by_a_newer_release_change_nothing(make_suite, monkeypatch):
    publish, seen = LocalBus.publish, set()

    def publish_newer(bus, messages):
        seen.update(message.type for message in messages)
        return publish(bus, [newer(message) for message in messages])

    monkeypatch.setattr(LocalBus, "publish", publish_newer)
    suite = make_suite()
    transport = httpx2.WSGITransport(app=suite.app, raise_app_exceptions=False)
    api = Api(suite.home.url, transport=transport)
    journeys.pay_the_instalment(api, api.staff())
    assert "payments.payment_accepted.v1" in seen


@pytest.mark.parametrize("value", [{"a": [{"b": 1}]}])
def test_the_newer_event_really_has_more_everywhere(value):
    assert with_more(value)["a"][0] == {"b": 1, **STRANGE}
