"""The stream of new messages: mine only, each once, resumed where it ended, never without end."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from carport.notifications import commands
from carport.notifications.api import stream
from carport.shared import testing, web
from carport.shared.health import SERVING
from carport.shared.kernel.ids import new_id

PATH = "/v1/messages/stream"
SOON_S = 5.0


@pytest.fixture(autouse=True)
def at_once(world):
    """Streams say what there is and end, unless a test lets them go on."""
    last(world, 0)


def last(world, seconds, **more):
    """Streams of *world* last so many seconds."""
    world.runtime.settings = replace(world.runtime.settings, stream_s=seconds, **more)
    world.client = web.create_app(world.runtime).test_client()


def tell(world, customer):
    """One more message; what the list says of it."""
    added = {"method_id": new_id(world.now), "type": "bank_account", "brand": "Checking",
             "last4": "6789", "user_id": customer.user, "party_id": customer.party}  # fmt: skip
    world.say("payments.method_added.v1", added)
    return world.messages(customer)[0]


def ask(world, customer, seen=None, **more):
    """The answer, its body not read yet."""
    who = world.as_party(customer.party) if "headers" not in more else more.pop("headers")
    seen_header = {} if seen is None else {"Last-Event-ID": str(seen)}
    headers = {**who, "Accept": "text/event-stream", **seen_header}
    return world.client.get(PATH, headers=headers, **more)


def parsed(text):
    """``(id, message or None)`` of each block that carries an id."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
              for block in text.split("\n\n") if block]  # fmt: skip
    return [(int(b["id"]), json.loads(b["data"]) if "data" in b else None)
            for b in blocks if "id" in b]  # fmt: skip


def read(world, customer, seen=None):
    """All of a stream that ends at once."""
    with closing(ask(world, customer, seen)) as answer:
        assert answer.status_code == 200, answer.json
        return parsed(answer.text)


class Reading:
    """A stream that goes on, read by a thread of its own."""

    def __init__(self, answer):
        self.answer, self.texts, self.more = answer, [], threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for text in self.answer.response:
            with self.more:
                self.texts.append(text.decode() if isinstance(text, bytes) else text)
                self.more.notify_all()

    def until(self, number):
        """The events once there are so many."""
        with self.more:
            assert self.more.wait_for(lambda: len(self.texts) >= number, SOON_S), self.texts
        return parsed("".join(self.texts))

    def has_ended(self, within_s=SOON_S):
        self.thread.join(within_s)
        return not self.thread.is_alive()


def test_a_stream_says_how_to_come_back_and_nothing_of_the_past(world):
    customer = world.board()
    tell(world, customer)
    answer = ask(world, customer)
    assert answer.status_code == 200
    assert answer.content_type == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in answer.headers
    assert parsed(answer.text) == [(1, None)]
    assert answer.text.startswith("retry: ")


def test_what_came_meanwhile_is_sent_as_the_list_has_it_in_its_order(world):
    customer = world.board()
    [(seen, _)] = read(world, customer)
    first, second = tell(world, customer), tell(world, customer)
    assert read(world, customer, seen) == [(0, None), (1, first), (2, second)]
    assert read(world, customer, 1) == [(1, None), (2, second)]
    assert read(world, customer, 2) == [(2, None)]


def test_nobody_elses_messages_are_sent(world):
    customer, other = world.board(), world.board()
    for told in (tell(world, customer), tell(world, customer)):
        assert told in [message for _, message in read(world, customer, 0)]
    mine = tell(world, other)
    assert read(world, other, 0) == [(0, None), (1, mine)]


def test_a_message_that_becomes_visible_late_is_not_missed(world):
    """Its id is lower than that of one that has been sent."""
    customer = world.board()
    early, late = world.event("x", {}).id, world.event("x", {}).id
    for each in (late, early):
        with world.runtime.transaction() as tx:
            insert(tx, each, customer, world.now)
        with world.runtime.transaction() as tx:
            commands.number_messages(tx, customer.party)
    assert [(n, m and m["id"]) for n, m in read(world, customer, 1)] == [(1, None), (2, early)]


def insert(tx, message_id, customer, now):
    made = {"id": message_id, "key": message_id, "party_id": customer.party, "kind": "payment_due",
            "event_type": "x", "event_id": message_id, "subject": "x", "body": "x"}  # fmt: skip
    assert commands.repo.insert_message(tx, **made, created_at=now)


def test_a_backlog_comes_in_portions(world, monkeypatch):
    monkeypatch.setattr(stream, "AT_ONCE_MAX", 2)
    customer = world.board()
    for _ in range(3):
        tell(world, customer)
    assert [number for number, _ in read(world, customer, 0)] == [0, 1, 2]
    assert [number for number, _ in read(world, customer, 2)] == [2, 3]


@pytest.mark.parametrize("seen", ["", "x", "-1", "1_0", "1.0", "９", "2", "9" * 18, "9" * 19])
def test_an_id_that_is_none_of_the_stream_is_refused(world, seen):
    customer = world.board()
    tell(world, customer)
    answer = ask(world, customer, seen.encode().decode("latin-1"))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_parameter")


def test_who_may_not_read_messages_gets_no_stream(world):
    assert ask(world, None, headers={}).status_code == 401
    staff = world.as_party(None, scope="supervisor")
    assert ask(world, None, headers=staff).status_code == 403
    assert ask(world, None, headers=world.as_party(None)).status_code == 403
    asked = {**world.as_party(world.board().party), "Accept": "application/json"}
    assert world.client.get(PATH, headers=asked).status_code == 406


def test_a_new_message_is_sent_by_the_commit_that_stored_it(world, monkeypatch):
    monkeypatch.setattr(stream, "POLL_S", 60.0)
    last(world, 60)
    customer = world.board()
    reading = Reading(ask(world, customer))
    reading.until(1)
    told = tell(world, customer)
    assert reading.until(2) == [(0, None), (1, told)]


def test_without_being_woken_it_looks_by_itself(world, monkeypatch):
    monkeypatch.setattr(stream, "POLL_S", 0.05)
    monkeypatch.setattr(type(world.runtime.wake), "__call__", lambda *_: None)
    last(world, 60)
    customer = world.board()
    reading = Reading(ask(world, customer))
    reading.until(1)
    told = tell(world, customer)
    assert reading.until(2)[-1] == (1, told)


def test_a_silent_stream_shows_that_it_lives(world, monkeypatch):
    for name in ("HEARTBEAT_S", "POLL_S", "PAUSE_S"):
        monkeypatch.setattr(stream, name, 0.01)
    last(world, 60)
    reading = Reading(ask(world, world.board()))
    reading.until(3)
    assert reading.texts[1].startswith(":")


def test_a_stream_ends_by_itself(world):
    last(world, 1)
    reading = Reading(ask(world, world.board()))
    assert reading.has_ended()


def ends(world, why, **more):
    last(world, 60)
    customer = world.board()
    who = world.as_party(customer.party)
    reading = Reading(ask(world, customer, headers=who, **more))
    reading.until(1)
    assert not reading.has_ended(0.5)
    why()
    tell(world, customer)
    assert reading.has_ended()
    assert len(reading.texts) == 1


def test_a_stream_ends_with_its_session_and_tells_no_more(world, monkeypatch):
    sessions = world.runtime.settings.sessions

    def end():
        monkeypatch.setattr(sessions, "is_live", lambda *_: False)
        monkeypatch.setattr(world, "messages", lambda _: [None])

    ends(world, end)


def test_a_stream_ends_with_its_token(world, monkeypatch):
    def expire():
        world.now += timedelta(minutes=11)

    ends(world, expire)


def test_a_stream_ends_when_its_process_is_told_to_stop(world):
    serving = [True]
    ends(world, serving.clear, environ_overrides={SERVING: lambda: bool(serving)})


def test_a_party_has_so_many_streams_at_most_and_gets_another_when_one_is_closed(world):
    customer, other = world.board(), world.board()
    held = [ask(world, customer) for _ in range(stream.OF_PARTY_MAX)]
    refused = ask(world, customer)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_streams")
    assert refused.headers["Retry-After"]
    assert ask(world, other).status_code == 200
    held.pop().close()
    assert ask(world, customer).status_code == 200


def test_a_process_has_so_many_streams_as_it_has_seats_for(world):
    last(world, 0, streams_max=1)
    customer, other = world.board(), world.board()
    with closing(ask(world, customer)):
        refused = ask(world, other)
        assert (refused.status_code, refused.json["code"]) == (503, "temporarily_unavailable")
        assert refused.headers["Retry-After"]
    with closing(ask(world, other)) as again:
        assert again.status_code == 200


def test_asking_for_the_headers_only_takes_no_seat(world):
    customer = world.board()
    for _ in range(stream.OF_PARTY_MAX + 1):
        answer = world.client.head(PATH, headers=world.as_party(customer.party))
        assert answer.status_code == 200
    assert ask(world, customer).status_code == 200


def test_the_document_tells_what_it_is(world):
    told = world.client.get("/openapi.json").json["paths"][PATH]["get"]
    assert set(told["responses"]["200"]["content"]) == {"text/event-stream"}
    assert [each["name"] for each in told["parameters"]] == ["Last-Event-ID"]
    assert told["x-carport-access"] == "customer"


def test_messages_of_the_release_before_are_numbered_when_they_are_looked_at(world):
    customer = world.board()
    told = tell(world, customer)
    with testing.databases.tampering(world.runtime) as tx:
        tx.exec_driver_sql("UPDATE messages SET seq = NULL")
        tx.exec_driver_sql("DELETE FROM inboxes")
    assert read(world, customer) == [(1, None)]
    assert read(world, customer, 0) == [(0, None), (1, told)]
