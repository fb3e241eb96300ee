"""Alert preferences: changed only by who has read them, and required notices stay."""

from __future__ import annotations

import pytest

PATH = "/v1/alerts/preferences"
BODY = {
    "events": [{"event": "payment_posted", "channels": {"email": False}}],
    "days_ahead": [3],
    "quiet_hours": {"from": "22:00", "to": "07:30"},
}


def read(world, customer):
    answer = world.client.get(PATH, headers=world.as_party(customer.party))
    assert answer.status_code == 200
    return answer


def put(world, customer, body, *, tag=None):
    tag = tag or read(world, customer).headers["ETag"]
    who = world.as_party(customer.party)
    return world.client.put(PATH, json=body, headers={**who, "If-Match": tag})


def channels_of(view, event):
    return next(item["channels"] for item in view["events"] if item["event"] == event)


def test_at_first_everything_comes_by_mail(world):
    view = read(world, world.board()).json
    assert {str(item["channels"]) for item in view["events"]} == {
        "{'email': True, 'text': False, 'inbox': True}"
    }
    assert view["days_ahead"] == [10, 3, 0]
    assert view["quiet_hours"] == {"from": "21:00", "to": "08:00"}


def test_a_change_is_kept_and_shown(world):
    customer = world.board()
    answer = put(world, customer, BODY)
    assert answer.status_code == 200
    assert channels_of(answer.json, "payment_posted")["email"] is False
    assert answer.json["days_ahead"] == [3]
    assert answer.json["quiet_hours"] == {"from": "22:00", "to": "07:30"}
    again = read(world, customer)
    assert again.json == answer.json
    assert again.headers["ETag"] == answer.headers["ETag"]


def receipt(world, customer):
    order = world.order(customer)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))


def test_switching_a_notice_off_stops_its_mail_and_not_its_message(world):
    customer, other = world.board(), world.board(email="bo@example.com")
    assert put(world, customer, BODY).status_code == 200
    receipt(world, customer)
    receipt(world, other)
    assert [mail["to"] for mail in world.mails()] == ["bo@example.com"]
    assert [m["subject"] for m in world.messages(customer)] == ["Payment of $586.84 received"]


@pytest.mark.parametrize(
    "event", ["payment_failed", "payment_returned", "password_changed", "late_fee_assessed"]
)
def test_a_required_notice_stays(world, event):
    customer = world.board()
    answer = put(
        world, customer, {**BODY, "events": [{"event": event, "channels": {"email": False}}]}
    )
    assert (answer.status_code, answer.json["code"]) == (422, "required_notice")
    assert answer.json["errors"][0]["pointer"] == "/events/0/channels/email"
    assert channels_of(read(world, customer).json, event)["email"] is True


def test_two_who_read_the_same_cannot_both_change_it(world):
    customer = world.board()
    tag = read(world, customer).headers["ETag"]
    assert put(world, customer, BODY, tag=tag).status_code == 200
    answer = put(world, customer, {**BODY, "days_ahead": [0]}, tag=tag)
    assert (answer.status_code, answer.json["code"]) == (412, "stale_version")


def test_a_change_needs_to_say_what_it_changes(world):
    customer = world.board()
    answer = world.client.put(PATH, json=BODY, headers=world.as_party(customer.party))
    assert (answer.status_code, answer.json["code"]) == (428, "precondition_required")


def but(**members):
    return {**BODY, **members}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (but(extra=1), "unknown_field"),
        (but(party_id="x"), "unknown_field"),
        ({"events": []}, "required"),
        (but(events=[{"event": "nonsense", "channels": {}}]), "unknown_event"),
        (but(events=[{"event": "password_reset", "channels": {}}]), "unknown_event"),
        (but(events=[{"event": "payment_due", "channels": {"fax": True}}]), "unknown_field"),
        (but(events=[{"event": "payment_due", "channels": {"email": 1}}]), "invalid_type"),
        (but(events=[{"event": "payment_due", "channels": {"email": None}}]), "invalid_type"),
        (
            but(events=[{"event": "payment_due", "channels": {"text": True}}]),
            "channel_unavailable",
        ),
        (
            but(events=[{"event": "payment_due", "channels": {"inbox": False}}]),
            "channel_unavailable",
        ),
        (but(events={}), "invalid_type"),
        (but(days_ahead=[7]), "out_of_range"),
        (but(days_ahead=[-1]), "out_of_range"),
        (but(days_ahead=["3"]), "invalid_type"),
        (but(days_ahead=[True]), "invalid_type"),
        (but(quiet_hours={"from": "24:00", "to": "08:00"}), "invalid_time"),
        (but(quiet_hours={"from": "9:00", "to": "08:00"}), "invalid_time"),
        (but(quiet_hours={"from": "21:00"}), "required"),
        (but(quiet_hours=None), "invalid_type"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(world, body, code):
    customer = world.board()
    before = read(world, customer).json
    answer = put(world, customer, body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert read(world, customer).json == before


@pytest.mark.parametrize(
    ("raw", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"events": [], "events": []}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", 400),
        (b" " * 70_000, "application/json", 413),
    ],
)
def test_what_is_no_json_is_refused(world, raw, media, status):
    customer = world.board()
    who = {**world.as_party(customer.party), "If-Match": "*"}
    answer = world.client.put(PATH, data=raw, content_type=media, headers=who)
    assert answer.status_code == status
