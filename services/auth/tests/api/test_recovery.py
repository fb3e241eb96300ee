"""Forgotten password and user name."""

from __future__ import annotations

import pytest
from carport.auth import events, tables
from carport.auth.domain.lifetimes import RESET_LINK

RESETS = "/v1/auth/password-resets"
CONFIRMATIONS = "/v1/auth/password-resets/confirmations"
REMINDERS = "/v1/auth/username-reminders"
NEW = "many blue kettles 42"


def ask(suite, email="ana.rivera@example.com"):
    assert suite.post(RESETS, {"email": email}).status_code == 202
    return suite.mail(events.PASSWORD_RESET_REQUESTED)["token"]


def confirm(suite, token, password=NEW):
    return suite.post(CONFIRMATIONS, {"token": token, "password": password})


def test_a_reset_sets_the_password_ends_every_session_and_logs_nobody_in(registered):
    sessions = [registered.log_in().json for _ in range(2)]
    answer = confirm(registered, ask(registered))
    assert (answer.status_code, answer.data) == (204, b"")
    for session in sessions:
        assert registered.get("/v1/auth/me", token=session["access_token"]).status_code == 401
        assert registered.refresh(session["refresh_token"]).status_code == 401
    assert registered.log_in().status_code == 401
    assert registered.log_in(password=NEW).status_code == 200
    changed = registered.published(events.PASSWORD_CHANGED)[-1].data
    assert changed["cause"] == "reset"
    assert changed["party_id"] == registered.party_id


def test_a_link_works_once(registered):
    token = ask(registered)
    assert confirm(registered, token).status_code == 204
    again = confirm(registered, token, password="third set of kettles")
    assert (again.status_code, again.json["code"]) == (400, "invalid_token")


def test_a_link_works_for_fifteen_minutes(registered):
    token = ask(registered)
    registered.clock.forward(minutes=15)
    assert confirm(registered, token).json["code"] == "invalid_token"
    assert RESET_LINK.total_seconds() <= 15 * 60


def test_only_the_newest_link_works(registered):
    first = ask(registered)
    second = ask(registered)
    assert confirm(registered, first).json["code"] == "invalid_token"
    assert confirm(registered, second).status_code == 204


def test_a_refused_password_spends_nothing(registered):
    token = ask(registered)
    for weak in ("short", "passwordpassword", "ana.rivera and the otters"):
        answer = confirm(registered, token, password=weak)
        assert (answer.status_code, answer.json["code"]) == (422, "weak_password")
    assert confirm(registered, token).status_code == 204


def test_the_password_somebody_has_is_no_new_one(registered):
    token = ask(registered)
    answer = confirm(registered, token, password="three quiet otters 7")
    assert (answer.status_code, answer.json["code"]) == (422, "weak_password")
    assert confirm(registered, token).status_code == 204


def test_changing_the_password_voids_reset_links(registered):
    token = ask(registered)
    access = registered.log_in().json["access_token"]
    body = {"password": "third set of kettles"}
    assert registered.call("PUT", "/v1/auth/me/password", body, token=access).status_code == 204
    assert confirm(registered, token).json["code"] == "invalid_token"


def test_a_reset_ends_the_delay(registered):
    for _ in range(6):
        registered.log_in(password="wrong otters all over")
    confirm(registered, ask(registered))
    assert registered.log_in(password=NEW).status_code == 200


def test_a_disabled_user_cannot_use_a_link(registered):
    token = ask(registered)
    with registered.runtime.transaction() as tx:
        tx.execute(tables.user.update().values(is_disabled=True))
    assert confirm(registered, token).json["code"] == "invalid_token"


@pytest.mark.parametrize(
    "body",
    [
        {"token": "x", "password": NEW},
        {"token": "' OR ''='", "password": NEW},
        {"token": "0" * 43, "password": "short"},
    ],
)
def test_other_tokens_are_refused_whatever_the_password(registered, body):
    ask(registered)
    answer = registered.post(CONFIRMATIONS, body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_token")


def test_a_link_of_registration_sets_no_password_and_the_other_way_round(boarded):
    boarded.post("/v1/auth/registrations", boarded.application())
    token = boarded.mail(events.REGISTRATION_REQUESTED)["token"]
    assert confirm(boarded, token).json["code"] == "invalid_token"
    boarded.post("/v1/auth/email-verifications", {"token": token})
    reset = ask(boarded)
    answer = boarded.post("/v1/auth/email-verifications", {"token": reset})
    assert answer.json["code"] == "invalid_token"


@pytest.mark.parametrize(
    "typed",
    ["ANA.RIVERA@EXAMPLE.COM", "ana.r\u0131vera@example.com", "\uff41na.rivera@example.com"],
)
def test_mail_goes_to_the_stored_address_whatever_was_typed(registered, typed):
    registered.post(RESETS, {"email": typed})
    mail = registered.mail(events.PASSWORD_RESET_REQUESTED)
    assert mail["email"] == "ana.rivera@example.com"
    registered.post(REMINDERS, {"email": typed})
    mail = registered.mail(events.USERNAME_REMINDER_REQUESTED)
    assert mail == {"email": "ana.rivera@example.com", "username": "Ana.R"}


@pytest.mark.parametrize(
    "typed", ["nobody@example.com", "Ana.R", "ana.rivera", "@", "x\u2028y", "a@b", '"x"@h']
)
def test_nothing_is_mailed_for_what_is_nobodys_address(registered, typed):
    before = len(registered.published())
    for route in (RESETS, REMINDERS):
        assert registered.post(route, {"email": typed}).status_code == 202
    assert len(registered.published()) == before


def test_an_address_gets_at_most_five_mails_an_hour(registered):
    for _ in range(9):
        registered.post(RESETS, {"email": "ana.rivera@example.com"})
    mails = registered.published(events.REGISTRATION_REQUESTED)
    mails += registered.published(events.PASSWORD_RESET_REQUESTED)
    assert len(mails) == 5


def test_links_never_depend_on_the_host_header(registered):
    answer = registered.post(RESETS, {"email": "ana.rivera@example.com"}, Host="evil.example.com")
    assert answer.status_code == 202
    assert "evil" not in str(registered.mail(events.PASSWORD_RESET_REQUESTED))


def test_only_hashes_of_links_are_stored(registered):
    token = ask(registered)
    with registered.runtime.reading() as tx:
        assert token not in str(tx.execute(tables.password_reset.select()).one())
