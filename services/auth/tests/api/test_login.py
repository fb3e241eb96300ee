"""Logging in: one answer for everything that is wrong, and delay instead of lock-out."""

from __future__ import annotations

import subprocess
import sys

import argon2
import pytest
import sqlalchemy as sa
from carport.auth import passwords, tables
from carport.auth.domain import backoff

PASSWORD = "three quiet otters 7"
OTHER_PASSWORD = "many blue kettles 42"


def fail(suite, times, **more):
    for _ in range(times):
        assert suite.log_in(password="wrong otters all over", **more).status_code == 401


def change_user(suite, **values):
    with suite.runtime.transaction() as tx:
        tx.execute(tables.user.update().values(**values))


@pytest.mark.parametrize(
    "user_id",
    [
        "ana.rivera@example.com",
        "ANA.RIVERA@EXAMPLE.COM",
        "ana.r\u0131vera@example.com",
        "\uff41na.rivera@example.com",
        " ana.rivera@example.com. ",
        "Ana.R",
        "ana.r",
        "ANA.R",
    ],
)
def test_login_takes_the_address_or_the_user_name_in_any_spelling(registered, user_id):
    assert registered.log_in(user_id).status_code == 200


@pytest.mark.parametrize(
    "user_id",
    ["ana.r@example.com", "ana.rivera", "ana", "' OR 1=1 --", "*)(uid=*", "@", "a" * 8000],
)
def test_other_user_ids_are_refused(registered, user_id):
    answer = registered.log_in(user_id)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    "password", [PASSWORD + "x", PASSWORD.upper(), PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1]]
)
def test_the_password_is_compared_exactly(registered, password):
    assert registered.log_in(password=password).status_code == 401


def test_nothing_is_cut_off_long_passwords(boarded):
    password = "otter kettle plum " * 4
    assert len(password) == 72
    boarded.register(password=password + "a")
    assert boarded.log_in(password=password + "a").status_code == 200
    assert boarded.log_in(password=password + "b").status_code == 401
    assert boarded.log_in(password=password).status_code == 401


def test_the_answer_holds_tokens_and_whose_they_are(registered):
    answer = registered.log_in()
    assert set(answer.json) == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
        "user",
    }
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 600
    assert answer.json["refresh_expires_in"] == 3600
    assert answer.json["user"]["scopes"] == ["customer"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_after_five_failures_not_even_the_right_password_counts_for_a_while(registered):
    fail(registered, 5)
    assert registered.log_in().status_code == 401
    registered.clock.forward(seconds=30)
    assert registered.log_in().status_code == 200


def test_tries_during_the_delay_do_not_make_it_longer(registered):
    fail(registered, 40)
    registered.clock.forward(seconds=30)
    assert registered.log_in().status_code == 200


def test_success_starts_the_count_anew(registered):
    for _ in range(3):
        fail(registered, 4)
        assert registered.log_in().status_code == 200


def test_both_names_of_a_user_share_one_count(registered):
    fail(registered, 3, user_id="ana.r")
    fail(registered, 2, user_id="ana.rivera@example.com")
    assert registered.log_in("ana.r").status_code == 401


def test_strangers_cannot_delay_a_device_that_has_logged_in_before(registered):
    assert registered.log_in(device="laptop").status_code == 200
    fail(registered, 10, device="stranger")
    assert registered.log_in(device="phone").status_code == 401
    assert registered.log_in(device="laptop").status_code == 200


def test_a_known_device_is_delayed_for_its_own_failures(registered):
    registered.log_in(device="laptop")
    fail(registered, 5, device="laptop")
    assert registered.log_in(device="laptop").status_code == 401
    assert registered.log_in().status_code == 200


def test_after_a_hundred_failures_only_a_known_device_or_a_reset_helps(registered):
    registered.log_in(device="laptop")
    with registered.runtime.transaction() as tx:
        shared = tables.login_guard.c.device == ""
        tx.execute(tables.login_guard.update().where(shared).values(failures=backoff.FAILURES_MAX))
    registered.clock.forward(days=30)
    assert registered.log_in().status_code == 401
    assert registered.log_in(device="laptop").status_code == 200


def test_a_disabled_user_is_refused_like_an_unknown_one(registered):
    change_user(registered, is_disabled=True)
    assert registered.log_in().json["code"] == "invalid_credentials"


def test_unknown_names_leave_a_bounded_number_of_rows(registered):
    for number in range(30):
        registered.log_in(f"nobody{number}")
    with registered.runtime.reading() as tx:
        subjects = tx.execute(sa.select(tables.login_guard.c.subject)).scalars().all()
    assert all(s.startswith("unknown:") and len(s) == 10 for s in subjects if ":" in s)


def test_a_hash_of_other_costs_is_renewed_at_login(registered):
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
    change_user(registered, password_hash=old.hash(PASSWORD))
    assert registered.log_in().status_code == 200
    with registered.runtime.reading() as tx:
        stored = tx.execute(sa.select(tables.user.c.password_hash)).scalar_one()
    assert "m=19456,t=2,p=1" in stored
    assert registered.log_in().status_code == 200


def test_the_dummy_hash_costs_what_a_real_one_does():
    assert not passwords.needs_rehash(passwords.DUMMY_HASH)
    assert not passwords.is_right(passwords.DUMMY_HASH, "")


def test_however_many_threads_hash_the_memory_is_that_of_a_few():
    hashing = """
import os, re, threading
from pathlib import Path
os.cpu_count = lambda: 2
from carport.auth import passwords
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
before, together = resident(), threading.Barrier(16)
def hash_after_all_have_begun():
    together.wait()
    passwords.hashed("three quiet otters 7")
    together.wait()
threads = [threading.Thread(target=hash_after_all_have_begun) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert resident() - before < 5 * 19, resident() - before
"""
    done = subprocess.run([sys.executable, "-c", hashing], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_machine_of_many_cores_hashes_no_more_at_once_than_four():
    asked = "import os; os.cpu_count = lambda: 64; from carport.auth import passwords as p; "
    looked = [sys.executable, "-c", asked + "print(p._CORES, p._THREADS._max_workers)"]
    assert subprocess.run(looked, capture_output=True, text=True).stdout.split() == ["4", "4"]


def test_hashing_waits_its_turn_and_gives_up_politely(registered, monkeypatch):
    monkeypatch.setattr(passwords, "TURN_WAIT_S_MAX", 0.01)
    monkeypatch.setattr(passwords, "_TURNS", passwords.threading.BoundedSemaphore(1))
    with passwords._turn():
        answer = registered.log_in()
    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    assert registered.log_in().status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"grant": "password", "user_id": "ana.r"}, "required"),
        ({"grant": "password", "password": PASSWORD}, "required"),
        ({"grant": "refresh"}, "required"),
        ({"user_id": "ana.r", "password": PASSWORD}, "required"),
        ({"grant": "refresh", "refresh_token": "x", "password": "y"}, "unknown_field"),
        ({"grant": "magic"}, "invalid_value"),
        ({"grant": "password", "user_id": "ana.r", "password": [PASSWORD]}, "invalid_type"),
        ({"grant": "password", "user_id": "ana.r", "password": "a\0b"}, "invalid_characters"),
        ({"grant": "password", "user_id": "ana.r", "password": ""}, "out_of_range"),
        ({"grant": "password", "user_id": "a", "password": "b", "scope": "x"}, "unknown_field"),
        ({"grant": "password", "user_id": "a", "password": "b" * 9000}, "out_of_range"),
    ],
)
def test_malformed_requests_are_refused_before_anything_is_hashed(
    registered, monkeypatch, body, code
):
    monkeypatch.setattr(passwords, "is_right", lambda *_: pytest.fail("hashed"))
    answer = registered.post("/v1/auth/tokens", body)
    assert (answer.status_code, answer.json["code"]) == (422, code), answer.json


def test_a_megabyte_of_password_is_refused_unread(registered, monkeypatch):
    monkeypatch.setattr(passwords, "is_right", lambda *_: pytest.fail("hashed"))
    answer = registered.log_in(password="x" * 1_000_000)
    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")


def test_the_user_sees_no_difference_when_the_password_changes_while_it_is_checked(
    registered, monkeypatch
):
    real = passwords.is_right

    def slow(password_hash, password):
        found = real(password_hash, password)
        change_user(registered, password_hash=passwords.hashed(OTHER_PASSWORD))
        return found

    monkeypatch.setattr(passwords, "is_right", slow)
    assert registered.log_in().json["code"] == "invalid_credentials"
