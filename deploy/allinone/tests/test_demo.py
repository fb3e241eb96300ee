"""The demo: who is in it, and that an interrupted load ends as an uninterrupted one."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from carport.allinone import demo
from carport.allinone.demo import Loader, read

CAST = {"2200420137", "2200417783"}


class Interrupted(Exception):
    """What a power cut is here."""


def test_the_cast_is_large_and_varied_enough():
    contracts = list(read("contracts"))
    people = {p["customer_number"] for c in contracts for p in c["customers"]}
    notes = " | ".join(line["note"] for line in read("actions") if line["do"] == "register")
    assert len(contracts) >= 36
    assert len(people) >= 30
    assert Counter(c["product"] for c in contracts).keys() == {"retail", "lease"}
    assert Counter(note.split(", ")[1] for note in notes.split(" | "))["ends within 90 days"] == 3
    for words in ("current", "in grace", "past due", "paid ahead", "paid_off", "co-borrower",
                  "two cars", "returned"):  # fmt: skip
        assert words in notes or words.replace("_", " ") in notes


def test_every_address_and_number_is_invented():
    assert all(p["email"].endswith("@example.com") for c in read("contracts")
               for p in c["customers"])  # fmt: skip


@pytest.fixture
def short(monkeypatch):
    """Two contracts until the end of January."""
    early = [line for line in demo.script() if line["on"] < "2025-02-01"]
    lines = [line for line in early if number_of(line) in CAST]
    assert {line["do"] for line in lines} == {"board", "register", "pay"}
    monkeypatch.setattr(demo, "script", lambda: lines)
    monkeypatch.setattr(demo, "LAST_DAY", date(2025, 2, 1))
    people = [line["contract"] for line in lines if line["do"] == "board"]
    monkeypatch.setattr(demo, "read", lambda _name: people)


def number_of(line):
    return line.get("account_number") or line["contract"]["account_number"]


def load(suite, *, stop_after=None):
    steps = iter(range(stop_after or 10_000))

    def progress(_what, _done):
        if next(steps, None) is None:
            raise Interrupted

    with suite.client() as http:
        Loader(http, progress).run()


def outcome(suite):
    """Where every cent is, and how many payments there are."""
    with suite.client() as http:
        staff = {"grant": "password", "user_id": "supervisor",
                 "password": demo.STAFF[1]["password"]}  # fmt: skip
        token = http.post("/v1/auth/tokens", json=staff).json()["access_token"]
        trial = http.get("/v1/staff/trial-balance", headers={"Authorization": f"Bearer {token}"})
        return trial.json()["data"]


def test_a_load_that_was_interrupted_twice_ends_like_one_that_was_not(make_suite, short):
    whole = make_suite("whole", demo=True)
    load(whole)
    broken = make_suite("broken", demo=True)
    for stop_after in (1, 3):
        with pytest.raises(Interrupted):
            load(broken, stop_after=stop_after)
    load(broken)
    assert outcome(broken) == outcome(whole)
    with broken.client() as http:
        assert Loader(http, print).is_complete()
