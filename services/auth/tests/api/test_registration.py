"""Registration: matched to a contract, completed by the mailed link, silent about the outcome."""

from __future__ import annotations

import pytest
from carport.auth import events, tables
from carport.auth.passwords import hashed

PASSWORD = "three quiet otters 7"
REGISTRATIONS = "/v1/auth/registrations"
VERIFICATIONS = "/v1/auth/email-verifications"


def count(suite, table):
    with suite.runtime.reading() as tx:
        return len(tx.execute(table.select()).all())


def test_a_customer_registers_verifies_logs_in_refreshes_and_logs_out(boarded):
    boarded.register()
    issued = boarded.log_in()
    assert issued.status_code == 200, issued.json
    me = boarded.get("/v1/auth/me", token=issued.json["access_token"])
    assert me.json["accounts"] == [boarded.account_id]
    renewed = boarded.refresh(issued.json["refresh_token"])
    assert renewed.status_code == 200, renewed.json
    access = renewed.json["access_token"]
    assert boarded.call("DELETE", "/v1/auth/sessions/current", token=access).status_code == 204
    for token in (access, issued.json["access_token"]):
        assert boarded.get("/v1/auth/me", token=token).status_code == 401
    assert boarded.refresh(renewed.json["refresh_token"]).status_code == 401


def test_a_match_sends_a_link_to_the_typed_address(boarded):
    answer = boarded.post(REGISTRATIONS, boarded.application(username="ana.r"))
    assert answer.status_code == 202
    event = boarded.published(events.REGISTRATION_REQUESTED)[-1]
    assert (event.data["outcome"], event.data["account_id"]) == ("verify", boarded.account_id)
    mail = boarded.open(event)
    assert mail["email"] == "ana.rivera@example.com"
    assert mail["username"] == "ana.r"
    assert len(mail["token"]) >= 43


@pytest.mark.parametrize(
    "change",
    [
        {"last_name": "O'Rivera"},
        {"zip": "75002"},
        {"ssn_last4": "4822"},
        {"account_number": "2200417784"},
    ],
)
def test_wrong_details_send_a_mail_without_a_link(boarded, change):
    assert boarded.post(REGISTRATIONS, boarded.application(**change)).status_code == 202
    event = boarded.published(events.REGISTRATION_REQUESTED)[-1]
    assert (event.data["outcome"], event.data["account_id"]) == ("no_match", None)
    assert boarded.open(event) == {
        "email": "ana.rivera@example.com",
        "token": None,
        "username": None,
    }
    assert count(boarded, tables.registration) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"last_name": " RIVÉRA "},
        {"zip": "75001-1234"},
        {"account_number": "22-0041 7783"},
    ],
)
def test_details_match_however_they_are_written(boarded, change):
    boarded.post(REGISTRATIONS, boarded.application(**change))
    event = boarded.published(events.REGISTRATION_REQUESTED)[-1]
    assert event.data["outcome"] == "verify"


def test_a_completed_registration_is_told_to_the_others(boarded):
    second, _ = boarded.board(number="9900", party_id=boarded.party_id)
    boarded.register()
    registered = boarded.published(events.USER_REGISTERED)[0].data
    assert registered["party_id"] == boarded.party_id
    assert sorted(registered["account_ids"]) == sorted([boarded.account_id, second])
    linked = [event.data for event in boarded.published(events.ACCOUNT_LINKED)]
    assert {link["account_id"] for link in linked} == {boarded.account_id, second}
    assert {link["role"] for link in linked} == {"primary"}
    verified = boarded.published(events.CONTACT_VERIFIED)[0].data
    assert verified["email"] == "ana.rivera@example.com"
    assert {registered["user_id"], verified["user_id"]} == {link["user_id"] for link in linked}


def test_nobody_is_registered_before_the_link_is_used(boarded):
    boarded.post(REGISTRATIONS, boarded.application())
    assert count(boarded, tables.user) == 0
    assert boarded.log_in().json["code"] == "invalid_credentials"


def test_a_link_works_once(boarded):
    token = boarded.register()
    again = boarded.post(VERIFICATIONS, {"token": token})
    assert (again.status_code, again.json["code"]) == (400, "invalid_token")


def test_a_link_works_for_a_day(boarded):
    boarded.post(REGISTRATIONS, boarded.application())
    token = boarded.mail(events.REGISTRATION_REQUESTED)["token"]
    boarded.clock.forward(hours=24)
    assert boarded.post(VERIFICATIONS, {"token": token}).json["code"] == "invalid_token"


@pytest.mark.parametrize("token", ["x", "0" * 43, "..", "🦦", "A" * 8000])
def test_other_tokens_are_refused(boarded, token):
    answer = boarded.post(VERIFICATIONS, {"token": token})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_token")


def test_of_two_links_of_one_person_the_first_used_wins(boarded):
    tokens = []
    for email in ("ana.rivera@example.com", "ana2@example.com"):
        boarded.post(REGISTRATIONS, boarded.application(email=email))
        tokens.append(boarded.mail(events.REGISTRATION_REQUESTED)["token"])
    assert boarded.post(VERIFICATIONS, {"token": tokens[1]}).status_code == 204
    with boarded.runtime.reading() as tx:
        links = tx.execute(tables.registration.select()).all()
    assert [link.closed_at for link in links] == [boarded.clock()] * 2
    assert boarded.post(VERIFICATIONS, {"token": tokens[0]}).json["code"] == "invalid_token"
    assert count(boarded, tables.user) == 1


def test_a_taken_user_name_is_told_by_the_link_only_and_the_link_survives(registered):
    registered.board(number="777", last_name="Okafor", ssn="1111")
    answer = registered.post(
        REGISTRATIONS,
        registered.application(
            account_number="777",
            last_name="Okafor",
            ssn_last4="1111",
            email="chi@example.com",
            username="ANA.R",
        ),
    )
    assert answer.status_code == 202
    token = registered.mail(events.REGISTRATION_REQUESTED)["token"]
    taken = registered.post(VERIFICATIONS, {"token": token})
    assert (taken.status_code, taken.json["code"]) == (409, "username_taken")
    assert taken.json["errors"][0]["pointer"] == "/username"
    bad = registered.post(VERIFICATIONS, {"token": token, "username": "a@b"})
    assert (bad.status_code, bad.json["code"]) == (422, "invalid_username")
    assert registered.post(VERIFICATIONS, {"token": token, "username": "chi"}).status_code == 204
    assert registered.log_in("Chi").status_code == 200


@pytest.mark.parametrize(
    "email", ["ana.rivera@example.com", "ANA.RIVERA@Example.com", "ana.r\u0131vera@example.com"]
)
def test_a_known_address_gets_the_same_answer_and_its_owner_a_hint(registered, email):
    answer = registered.post(REGISTRATIONS, registered.application(email=email))
    assert answer.status_code == 202
    event = registered.published(events.REGISTRATION_REQUESTED)[-1]
    assert event.data["outcome"] == "already_registered"
    assert registered.open(event) == {
        "email": "ana.rivera@example.com",
        "token": None,
        "username": "Ana.R",
    }


def test_a_registered_party_gets_no_second_user(registered):
    registered.post(REGISTRATIONS, registered.application(email="other@example.com"))
    event = registered.published(events.REGISTRATION_REQUESTED)[-1]
    assert event.data["outcome"] == "already_registered"
    assert registered.open(event)["username"] is None
    assert count(registered, tables.registration) == 1


def test_five_tries_a_day_on_one_account_number_count(boarded):
    for number in range(5):
        wrong = boarded.application(ssn_last4="0000", email=f"try{number}@example.com")
        boarded.post(REGISTRATIONS, wrong)
    boarded.post(REGISTRATIONS, boarded.application())
    assert boarded.published(events.REGISTRATION_REQUESTED)[-1].data["outcome"] == "no_match"
    boarded.clock.forward(days=1)
    boarded.post(REGISTRATIONS, boarded.application())
    assert boarded.published(events.REGISTRATION_REQUESTED)[-1].data["outcome"] == "verify"


def test_an_address_gets_five_mails_an_hour(boarded):
    for number in range(8):
        answer = boarded.post(REGISTRATIONS, boarded.application(account_number=f"{number}"))
        assert answer.status_code == 202
    assert len(boarded.published(events.REGISTRATION_REQUESTED)) == 5
    boarded.clock.forward(hours=1)
    boarded.post(REGISTRATIONS, boarded.application())
    assert len(boarded.published(events.REGISTRATION_REQUESTED)) == 6


def test_the_password_is_hashed_whatever_the_outcome(boarded, monkeypatch):
    hashes = []

    def counting(password):
        hashes.append(password)
        return hashed(password)

    monkeypatch.setattr("carport.auth.passwords.hashed", counting)
    for change in ({}, {"account_number": "1"}, {"zip": "00000"}):
        boarded.post(REGISTRATIONS, boarded.application(**change))
    assert hashes == [PASSWORD] * 3


def test_only_hashes_of_links_and_passwords_are_stored(boarded):
    boarded.post(REGISTRATIONS, boarded.application())
    token = boarded.mail(events.REGISTRATION_REQUESTED)["token"]
    with boarded.runtime.reading() as tx:
        stored = tx.execute(tables.registration.select()).one()
    assert token not in str(stored)
    assert PASSWORD not in str(stored)
    assert stored.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_terms_have_versions_and_only_the_current_one_is_agreed_to(boarded):
    terms = boarded.get("/v1/auth/terms").json
    assert terms["version"] == terms["terms_of_use"]["version"]
    assert set(terms["esign_disclosure"]) == {"version", "title", "text"}
    answer = boarded.post(REGISTRATIONS, boarded.application(terms_version="2019-01"))
    assert (answer.status_code, answer.json["code"]) == (422, "terms_outdated")
