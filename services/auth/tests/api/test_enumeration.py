"""Whether somebody is known cannot be told from an answer: same bytes, headers and kind of work."""

from __future__ import annotations

import random
import statistics
import time

import pytest
from carport.auth import passwords, tables

COUNTED = {"X-Request-Id", "Date", "RateLimit"}
"""Headers that differ between any two requests: their own id, and how many came before."""


def fingerprint(answer):
    """Everything of an answer that must not depend on who was asked about."""
    text = answer.text.replace(answer.headers["X-Request-Id"], "<request>")
    headers = [(name, "" if name in COUNTED else value) for name, value in answer.headers]
    return answer.status_code, text, tuple(headers)


def assert_alike(answers, *, status):
    assert [answer.status_code for answer in answers] == [status] * len(answers)
    assert len({fingerprint(answer) for answer in answers}) == 1


@pytest.fixture
def known(registered):
    """Users of every kind: active, with a pending registration, locked, disabled; staff."""
    registered.board(number="777", last_name="Okafor", ssn="1111")
    registered.post(
        "/v1/auth/registrations",
        registered.application(
            account_number="777", last_name="Okafor", ssn_last4="1111", email="new@example.com"
        ),
    )
    for number, name in (("801", "Locked"), ("802", "Disabled")):
        registered.board(number=number, last_name=name, ssn="1111")
        registered.register(
            account_number=number,
            last_name=name,
            ssn_last4="1111",
            email=f"{name.lower()}@example.com",
        )
    for _ in range(6):
        registered.log_in("locked@example.com", "wrong otters all over")
    with registered.runtime.transaction() as tx:
        disabled = tables.user.c.email_key == "disabled@example.com"
        tx.execute(tables.user.update().where(disabled).values(is_disabled=True))
    return registered


def test_every_refused_login_is_answered_alike(known):
    tries = [
        ("nobody@example.com", "three quiet otters 7"),
        ("nobody", "three quiet otters 7"),
        ("ana.rivera@example.com", "wrong otters all over"),
        ("ana.r", "wrong otters all over"),
        ("new@example.com", "three quiet otters 7"),
        ("locked@example.com", "three quiet otters 7"),
        ("disabled@example.com", "three quiet otters 7"),
        ("' OR 1=1 --", "x"),
    ]
    assert_alike([known.log_in(*each) for each in tries], status=401)


@pytest.mark.parametrize("route", ["password-resets", "username-reminders"])
def test_every_request_for_mail_is_answered_alike(known, route):
    emails = [
        "ana.rivera@example.com",
        "nobody@example.com",
        "new@example.com",
        "disabled@example.com",
        "locked@example.com",
        "no address",
    ]
    assert_alike([known.post(f"/v1/auth/{route}", {"email": e}) for e in emails], status=202)


def test_every_registration_is_answered_alike(known):
    changes = [
        {"email": "fresh@example.com"},
        {"email": "fresh@example.com", "account_number": "0"},
        {"email": "fresh@example.com", "ssn_last4": "0000"},
        {"email": "ana.rivera@example.com"},
        {"email": "ANA.RIVERA@example.com"},
        {"email": "m\u0131ke@example.com"},
        {"email": "fresh@example.com", "username": "ana.r"},
        {"email": "fresh@example.com", "username": "an\uff41.r"},
    ]
    asked = [known.application(**change) for change in changes]
    assert_alike([known.post("/v1/auth/registrations", each) for each in asked], status=202)


def test_an_unknown_user_costs_a_hash_like_a_known_one(known, monkeypatch):
    checked = []
    real = passwords.is_right

    def counting(password_hash, password):
        checked.append(password_hash[:30])
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "is_right", counting)
    for name in ("nobody", "ana.r", "locked@example.com", "disabled@example.com"):
        known.log_in(name, "wrong otters all over")
    assert len(checked) == 4
    assert len(set(checked)) == 1


def test_an_unknown_user_costs_a_write_like_a_known_one(known):
    for name in ("nobody", "ana.r", "locked@example.com", "disabled@example.com"):
        known.clock.forward(seconds=1)
        known.log_in(name, "wrong otters all over")
        with known.runtime.reading() as tx:
            tried = tx.execute(tables.login_guard.select()).all()
        assert max(row.last_try_at for row in tried) == known.clock()


def test_logins_of_known_and_unknown_users_cost_the_same_time(known):
    """Of this thread, so that neighbours on the machine do not count; in random order."""
    names = ["nobody", "ana.r", "locked@example.com", "disabled@example.com", "new@example.com"]
    times = {name: [] for name in names}
    for _ in range(20):
        for name in random.sample(names, k=len(names)):
            begun = time.thread_time()
            known.log_in(name, "wrong otters all over")
            times[name].append(time.thread_time() - begun)
    medians = [statistics.median(each) for each in times.values()]
    assert max(medians) - min(medians) < 0.004, times
