"""A body is an event of ours or it is not: reading one never fails in another way."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from carport.shared.errors import MalformedEvent
from carport.shared.events import Event, make
from carport.shared.kernel.clock import utc_now
from hypothesis import example, given, settings
from hypothesis import strategies as st

KNOWN = json.loads(make("a.b.v1", subject="s", data={"n": 1}, now=utc_now()).to_json())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@example({"time": "0001-01-01T00:00:00+14:00"})
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(KNOWN)), ANYTHING, min_size=1))
def test_an_event_with_any_member_changed_is_read_or_refused(changes):
    with suppress(MalformedEvent):
        event = Event.from_json(json.dumps({**KNOWN, **changes}))
        assert Event.from_json(event.to_json()).id == event.id


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_and_any_text_are_read_or_refused(body):
    with suppress(MalformedEvent):
        Event.from_json(body)


@pytest.mark.parametrize("as_text", [True, False])
def test_what_is_not_utf8_is_no_event_even_where_json_would_let_it_pass(as_text):
    raw = json.dumps(KNOWN | {"data": {"name": "caf\u00e9"}}, ensure_ascii=False).encode("latin-1")
    with pytest.raises(MalformedEvent):
        Event.from_json(raw.decode(errors="surrogateescape") if as_text else raw)
