"""What one customer is called, or where another wants mail, keeps nobody else's mail back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from carport.notifications import channels, effects
from carport.notifications.channels import Mail
from carport.notifications.channels.mail import compose
from carport.notifications.channels.sandbox import send
from carport.notifications.tables import deliveries

NAMES = [
    "Ann\r\nBcc: everybody@example.com",
    "Ann\n\n<script>alert(1)</script>",
    "Ann\x07\x1b[31m",
    "\u202eevil\u2066",
    "Ann\ud7ff\U0001f600 Жанна 王",
    "A" * 300,
    "{{ lender.name }}{% for x in y %}",
    "a b " * 500,
]


def receipt(world, customer):
    order = world.order(customer)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_weird_name_is_written_to_and_harms_nobody(world, name):
    weird = world.board(first_name=name, email="weird@example.com")
    plain = world.board(email="plain@example.com")
    receipt(world, weird)
    receipt(world, plain)
    [mail] = world.mails("weird@example.com")
    assert "<script" not in mail["html"]
    assert "Bcc:" not in [line.split(" ")[0] for line in mail["text"].splitlines()]
    assert "\u202e" not in mail["text"]
    assert len(world.mails("plain@example.com")) == 1
    assert world.unfinished() == []


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_weird_vehicle_is_no_header_and_no_markup(world, name):
    customer = world.board()
    boarded = world.boarding(customer)[0]
    boarded.data["vehicle"]["model"] = name
    world.deliver(boarded)
    world.say("accounts.paid_off.v1", {"account_id": customer.account, "paid_off_on": "2025-05-05"})
    [mail] = world.mails()
    assert mail["subject"] == "Your account is paid off"
    assert "<script" not in mail["html"]


ADDRESSES = [
    "ann@example.com\r\nBcc: everybody@example.com",
    "no address at all",
    "",
    "@",
    "a@" + "b" * 300 + ".example.com",
    "ann@exa\x00mple.com",
    "Ann <ann@example.com>, bo@example.com",
]


@pytest.mark.parametrize("address", ADDRESSES[:2] + ADDRESSES[3:], ids=range(6))
def test_an_address_no_server_would_take_stops_nobody(world, address):
    bad = world.board(email=address)
    good = world.board(email="good@example.com")
    receipt(world, bad)
    receipt(world, good)
    assert len(world.mails("good@example.com")) == 1
    with world.runtime.reading() as tx:
        states = {row.state for row in tx.execute(deliveries.select())}
    assert states <= {"sent", "failed_permanent"}


def mail_to(address, *, subject="Hello"):
    return Mail(
        id="018f", to=address, sender_name="L", sender="l@example.com", subject=subject, text="t",
        html="<p>t</p>",
    )  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES[:1] + ADDRESSES[1:4] + ADDRESSES[5:])
def test_a_header_cannot_be_smuggled_in_by_an_address(address):
    assert send(mail_to(address)) != channels.Outcome(True)


def test_a_header_cannot_be_smuggled_in_by_a_subject():
    with pytest.raises(ValueError, match="linefeed"):
        compose(mail_to("ann@example.com", subject="Hi\r\nBcc: everybody@example.com"))


def test_a_mail_has_text_and_html_and_an_id_that_names_the_delivery():
    message = compose(mail_to("ann@example.com", subject="Größe 王"))
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    assert message["Message-ID"] == "<018f@example.com>"
    assert message["To"] == "ann@example.com"


def test_a_channel_without_an_answer_is_asked_again_and_then_given_up(world, monkeypatch):
    customer = world.board()

    def silent(mail):
        raise TimeoutError("no answer")

    monkeypatch.setattr(effects.sandbox, "send", silent)
    receipt(world, customer)
    for _ in range(20):
        world.now += timedelta(minutes=10)
        world.drain()
    with world.runtime.reading() as tx:
        row = tx.execute(deliveries.select()).one()
    assert (row.state, row.attempts) == ("failed_permanent", effects.ATTEMPTS_MAX)
    assert world.mails() == []


def test_a_mail_that_another_worker_took_over_is_recorded_once(world):
    customer = world.board()
    order = world.order(customer)
    world.deliver(world.event("payments.payment_accepted.v1", order))
    world.deliver(world.event("accounts.payment_posted.v1", world.posting(order)))
    with world.runtime.transaction() as tx:
        [paused] = effects.claim(tx, world.now)
    world.now += timedelta(minutes=10)
    world.drain()
    outcome = effects.call(paused)
    with world.runtime.transaction() as tx:
        effects.record(tx, paused, outcome, world.now)
    assert len(world.mails()) == 1


def test_a_delivery_whose_key_is_lost_stops_nobody(world):
    lost, good = world.board(email="lost@example.com"), world.board(email="good@example.com")
    order = world.order(lost)
    world.deliver(world.event("payments.payment_accepted.v1", order))
    world.deliver(world.event("accounts.payment_posted.v1", world.posting(order)))
    with world.runtime.transaction() as tx:
        tx.execute(deliveries.update().values(content="gone.AAAA"))
    receipt(world, good)
    for _ in range(20):
        world.now += timedelta(minutes=10)
        world.drain()
    assert len(world.mails("good@example.com")) == 1
    with world.runtime.reading() as tx:
        states = sorted(row.state for row in tx.execute(deliveries.select()))
    assert states == ["failed_permanent", "sent"]


def test_production_has_no_channel_yet_and_keeps_mail_queued(world):
    customer = world.board()
    world.runtime.settings = replace(world.runtime.settings, env="production")
    receipt(world, customer)
    with world.runtime.reading() as tx:
        assert tx.execute(deliveries.select()).one().state == "queued"
    world.runtime.settings = replace(world.runtime.settings, env="sandbox")
    world.drain()
    assert len(world.mails()) == 1
