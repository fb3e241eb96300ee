"""Mails about online access: secrets travel sealed, rest encrypted and go out once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from carport.notifications.tables import deliveries
from carport.shared import sealed

TOKEN = "vX3-b2_q9LhT0cJkZs8YwR"


def request_registration(world, *, outcome="verify", token=TOKEN, email="new@example.com"):
    data = {
        "registration_id": "018f0000-0000-7000-8000-000000000001",
        "outcome": outcome,
        "account_id": None,
        "sealed": world.sealed(email=email, token=token, username="ann.lee"),
        "expires_at": world.in_15_minutes(),
    }
    return world.event("auth.registration_requested.v1", data)


def test_the_verification_mail_has_the_link(world):
    world.deliver(request_registration(world))
    world.drain()
    [mail] = world.mails("new@example.com")
    assert mail["links"] == [f"https://carport.example.com/verify?token={TOKEN}"]
    assert mail["channel"] == "email"
    assert mail["event_type"] == "auth.registration_requested.v1"
    assert "1-855-885-7600" in mail["text"]
    assert "customerservice@kiafinance.example.com" in mail["text"]
    assert f"token={TOKEN}" in mail["html"]


@pytest.mark.parametrize(
    ("outcome", "subject"),
    [
        ("already_registered", "You already have online access"),
        ("no_match", "We could not match your account"),
    ],
)
def test_other_outcomes_are_told_by_mail_only(world, outcome, subject):
    world.deliver(request_registration(world, outcome=outcome, token=None))
    world.drain()
    [mail] = world.mails("new@example.com")
    assert mail["subject"] == subject
    assert "token" not in mail["text"]


def test_the_same_event_again_sends_nothing_more(world):
    event = request_registration(world)
    for _ in range(3):
        world.deliver(event)
        world.drain()
    assert len(world.mails()) == 1


def test_a_secret_rests_encrypted_and_is_forgotten_when_sent(world):
    world.deliver(request_registration(world))
    with world.runtime.reading() as tx:
        waiting = tx.execute(deliveries.select()).one()
    assert TOKEN not in str(waiting)
    assert "new@example.com" not in str(waiting)
    world.drain()
    with world.runtime.reading() as tx:
        assert tx.execute(deliveries.select()).one().content is None


def test_a_secret_that_expired_on_the_way_is_not_told(world):
    event = request_registration(world)
    world.now += timedelta(minutes=16)
    world.deliver(event)
    world.drain()
    assert world.mails() == []
    assert world.unfinished() == []


def test_a_secret_that_expired_in_the_queue_is_not_sent(world):
    world.deliver(request_registration(world))
    world.now += timedelta(minutes=16)
    world.drain()
    assert world.mails() == []
    with world.runtime.reading() as tx:
        row = tx.execute(deliveries.select()).one()
    assert (row.state, row.content) == ("expired", None)


def test_a_registration_is_told_at_the_boarded_address(world):
    customer = world.board(email="boarded@example.com")
    verified = {"user_id": customer.user, "party_id": customer.party, "email": "new@example.com"}
    registered = {
        "user_id": customer.user,
        "party_id": customer.party,
        "account_ids": [customer.account],
    }
    world.say("auth.contact_verified.v1", verified)
    world.say("auth.user_registered.v1", registered)
    [mail] = world.mails()
    assert mail["to"] == "boarded@example.com"
    assert "2025 Kia Sportage EX, account ending in 7783" in " ".join(mail["text"].split())


def test_a_password_reset_mail_has_its_link(world):
    data = {
        "user_id": "u",
        "sealed": world.sealed(email="ann@example.com", token=TOKEN),
        "expires_at": world.in_15_minutes(),
    }
    world.say("auth.password_reset_requested.v1", data)
    [mail] = world.mails("ann@example.com")
    assert mail["links"] == [f"https://carport.example.com/reset-password?token={TOKEN}"]


def test_a_username_reminder_names_the_username(world):
    data = {
        "user_id": "u",
        "sealed": world.sealed(email="ann@example.com", username="ann.lee"),
        "expires_at": world.in_15_minutes(),
    }
    world.say("auth.username_reminder_requested.v1", data)
    [mail] = world.mails("ann@example.com")
    assert "ann.lee" in mail["text"]


def test_a_reminder_to_somebody_without_a_username_says_what_to_log_in_with(world):
    data = {
        "user_id": "u",
        "sealed": world.sealed(email="ann@example.com", username=None),
        "expires_at": world.in_15_minutes(),
    }
    world.say("auth.username_reminder_requested.v1", data)
    [mail] = world.mails("ann@example.com")
    text = " ".join(mail["text"].split())
    assert "log in with this e-mail address" in text
    assert "Username:" not in text


@pytest.mark.parametrize(
    ("cause", "words"), [("reset", "reset with a link"), ("changed", "was changed on")]
)
def test_a_changed_password_is_told_to_the_verified_address(world, cause, words):
    customer = world.board()
    verified = {"user_id": customer.user, "party_id": customer.party, "email": "new@example.com"}
    world.say("auth.contact_verified.v1", verified)
    changed = {"user_id": customer.user, "party_id": customer.party, "cause": cause}
    world.say("auth.password_changed.v1", changed)
    [mail] = world.mails("new@example.com")
    assert words in " ".join(mail["text"].split())


def test_a_sealed_notice_for_somebody_else_is_parked_and_stops_nobody(world):
    other = sealed.make_jwk("enc").as_dict(private=False)
    text = sealed.seal(other, {"email": "x@example.com"}, world.now + timedelta(minutes=5))
    data = {"user_id": "u", "sealed": text, "expires_at": world.in_15_minutes()}
    world.deliver(world.event("auth.password_reset_requested.v1", data))
    world.deliver(request_registration(world))
    world.drain()
    assert len(world.mails()) == 1
    assert [row["state"] for row in world.unfinished()] == ["retry"]
