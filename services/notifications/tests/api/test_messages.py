"""The inbox: mine only, newest first, with the reason why; the mailbox of the sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest
from carport.shared import web


def tell(world, customer, times=1):
    for _ in range(times):
        order = world.order(customer)
        world.say("payments.payment_accepted.v1", order)
        event = world.say("accounts.payment_posted.v1", world.posting(order))
    return event


def test_a_message_says_why_it_came(world):
    customer = world.board()
    event = tell(world, customer)
    [message] = world.messages(customer)
    assert message["subject"] == "Payment of $586.84 received"
    assert "Confirmation number: 7K3M9QX2TW" in message["body"]
    assert "Hello" not in message["body"]
    assert message["account_id"] == customer.account
    assert message["read"] is False
    assert message["created_at"].endswith("Z")
    assert message["why"] == {
        "event_type": "accounts.payment_posted.v1",
        "event_id": event.id,
        "text": "You receive this because a payment was posted to your account.",
    }
    who = world.as_party(customer.party)
    one = world.client.get(f"/v1/messages/{message['id']}", headers=who)
    assert one.json == message


def test_messages_come_in_pages_newest_first(world):
    customer = world.board()
    tell(world, customer, times=5)
    who = world.as_party(customer.party)
    first = world.client.get("/v1/messages?limit=3", headers=who).json
    query = {"limit": 3, "cursor": first["next_cursor"]}
    second = world.client.get("/v1/messages", query_string=query, headers=who).json
    ids = [m["id"] for m in first["data"] + second["data"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert second["next_cursor"] is None


def test_anothers_cursor_is_refused(world):
    customer, other = world.board(), world.board()
    tell(world, customer, times=2)
    page = world.client.get("/v1/messages?limit=1", headers=world.as_party(customer.party)).json
    query = {"cursor": page["next_cursor"]}
    answer = world.client.get(
        "/v1/messages", query_string=query, headers=world.as_party(other.party)
    )
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")


def test_reading_a_message_twice_is_the_same_as_once(world):
    customer = world.board()
    tell(world, customer, times=2)
    who = world.as_party(customer.party)
    newest = world.messages(customer)[0]["id"]
    assert world.client.get("/v1/messages/unread-count", headers=who).json == {"unread": 2}
    for _ in range(2):
        assert world.client.post(f"/v1/messages/{newest}/read", headers=who).status_code == 204
    assert world.client.get("/v1/messages/unread-count", headers=who).json == {"unread": 1}
    assert [m["read"] for m in world.messages(customer)] == [True, False]


def without_ids(answer):
    return {k: v for k, v in answer.json.items() if k not in ("request_id", "instance")}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_and_an_unknown_message_answer_alike(world, method):
    customer, other = world.board(), world.board()
    tell(world, customer)
    mine = world.messages(customer)[0]["id"]
    tail = "/read" if method == "post" else ""
    who = world.as_party(other.party)
    call = getattr(world.client, method)
    answers = [call(f"/v1/messages/{id_}{tail}", headers=who) for id_ in (mine, other.party, "1e3")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({str(without_ids(answer)) for answer in answers}) == 1
    assert world.messages(customer)[0]["read"] is False


@pytest.mark.parametrize("path", ["", "/unread-count", "/018f0000-0000-7000-8000-000000000001"])
def test_without_a_token_nothing_is_told(world, path):
    assert world.client.get(f"/v1/messages{path}").status_code == 401


def test_staff_without_a_customer_record_have_no_inbox(world):
    who = world.as_party(None)
    assert world.client.get("/v1/messages", headers=who).status_code == 403
    assert world.client.get("/v1/alerts/preferences", headers=who).status_code == 403


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1_0", "limit=-1", "cursor=x", "to=x", "limit=1&limit=2"]
)
def test_queries_that_make_no_sense_are_refused(world, query):
    customer = world.board()
    answer = world.client.get(f"/v1/messages?{query}", headers=world.as_party(customer.party))
    assert answer.status_code == 400


def test_the_mailbox_is_filtered_by_address_in_any_case_newest_first(world):
    ann, bo = world.board(), world.board(email="Bo@example.com")
    tell(world, ann, times=2)
    tell(world, bo)
    assert len(world.mails()) == 3
    assert [mail["to"] for mail in world.mails("bo@EXAMPLE.com")] == ["Bo@example.com"]
    sent = [mail["sent_at"] for mail in world.mails("ann@example.com")]
    assert sent == sorted(sent, reverse=True)
    assert world.mails("nobody@example.com") == []


def test_the_mailbox_shows_so_many_as_asked_for(world):
    customer = world.board()
    tell(world, customer, times=3)
    answer = world.client.get("/v1/sandbox/mailbox?limit=2")
    assert len(answer.json["data"]) == 2
    assert world.client.get("/v1/sandbox/mailbox?limit=101").status_code == 400


def test_production_has_no_mailbox(world):
    world.runtime.settings = replace(world.runtime.settings, env="production")
    client = web.create_app(world.runtime).test_client()
    assert client.get("/v1/sandbox/mailbox").status_code == 404
