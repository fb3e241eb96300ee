"""`carport events`: what is not done is listed, told without personal data, and done again once."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from carport.allinone.__main__ import main
from carport.allinone.stuck.showing import masked
from carport.shared import events
from carport.shared.inbox import inbox
from carport.shared.outbox import outbox
from sqlalchemy.pool import NullPool
from support.client import contract, eventually
from support.sample import api_of

POSTED = "accounts.payment_posted.v1"
CONTACT = "accounts.contact_changed.v1"


@pytest.fixture
def paid(suite, monkeypatch):
    """A suite in which one payment was posted."""
    monkeypatch.setenv("CARPORT_HOME", str(suite.home.folder))
    monkeypatch.setattr("carport.allinone.stuck.replaying.GRACE", timedelta(0))
    api = api_of(suite)
    document = contract(contract_date=api.today())
    account_id = api.staff().board(document)["id"]
    customer = api.register(document, "events@example.com")
    payment = customer.pay(account_id, customer.add_bank_account(), 58_684)
    customer.until(payment["id"], "posted")
    eventually(lambda: not listed("--unsent"))
    suite.payment_id = payment["id"]
    return suite


def change(suite, service, statement):
    engine = sa.create_engine(suite.runtimes[service].engine.url, poolclass=NullPool)
    with engine.begin() as tx:
        return tx.execute(statement).rowcount


def rows(suite, service, query):
    engine = sa.create_engine(suite.runtimes[service].engine.url, poolclass=NullPool)
    with engine.connect() as tx:
        return tx.execute(query).all()


def park(suite, service, type_, reason="ValueError: no such thing"):
    """As after five attempts: the row with its body, and what it did not do."""
    mine = inbox.c.type == type_
    (body,) = rows(suite, "accounts", sa.select(outbox.c.body).where(outbox.c.type == type_))[:1]
    change(suite, service, inbox.update().where(mine).values(
        state="parked", attempts=5, error=reason, body=body[0]))  # fmt: skip
    return json.loads(body[0])["id"]


def listed(*options):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["events", "list", "--json", *options]) == 0
    return json.loads(out.getvalue())


def test_nothing_to_list_is_said(suite, monkeypatch, capsys):
    monkeypatch.setenv("CARPORT_HOME", str(suite.home.folder))
    eventually(lambda: not listed())
    assert main(["events", "list"]) == 0
    assert capsys.readouterr().out.startswith("Nothing is waiting")


def test_what_is_not_done_is_listed_by_state_and_service(paid, capsys):
    event_id = park(paid, "lease", POSTED)
    assert main(["events", "list", "--parked"]) == 0
    line = capsys.readouterr().out
    assert all(part in line for part in ("lease", "parked", "5×", event_id, POSTED, "no such"))
    assert [row["unit"] for row in listed("--parked")] == ["lease"]
    assert listed("--parked", "--service", "payments") == listed("--retrying") == []
    for worker in paid.workers:
        worker.stop()
    change(paid, "accounts", outbox.update().where(outbox.c.type == POSTED).values(sent_at=None))
    assert [row["state"] for row in listed("--unsent")] == ["unsent"]
    assert {row["unit"] for row in listed()} == {"lease", "accounts"}


def test_an_event_is_told_with_what_became_of_it_everywhere(paid, capsys):
    event_id = park(paid, "lease", POSTED)
    assert main(["events", "show", event_id]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["event"]["data"]["payment_id"] == paid.payment_id
    assert list(told["said_by"]) == ["accounts"] and told["said_by"]["accounts"]["sent_at"]
    assert told["inboxes"]["lease"]["error"] == "ValueError: no such thing"
    assert told["inboxes"]["payments"]["state"] == "done"
    assert told["never_reached"] == []


def test_personal_data_is_shown_only_when_asked_for(paid, capsys):
    (event_id,) = rows(paid, "accounts", sa.select(outbox.c.event_id).where(
        outbox.c.type == CONTACT))[0]  # fmt: skip
    assert main(["events", "show", event_id]) == 0
    hidden = capsys.readouterr().out
    assert "Maya" not in hidden and "Sample Street" not in hidden and "--reveal" in hidden
    assert main(["events", "show", event_id, "--reveal"]) == 0
    shown = capsys.readouterr().out
    assert "Maya" in shown and "Sample Street" in shown and "in clear" in shown


@pytest.mark.parametrize("type_", events.contracts())
def test_no_value_marked_personal_or_secret_survives_masking(type_):
    contract_ = events.contract(type_)
    text = json.dumps(masked(contract_["example"], contract_["schema"]), ensure_ascii=False)
    for name, member in contract_["schema"]["properties"].items():
        value = contract_["example"].get(name)
        if member.get("personal_data") and isinstance(value, str):
            assert value not in text
        if name in ("match_key", "sealed", "account_number") and value:
            assert str(value) not in text


def test_members_and_types_nobody_described_are_masked():
    schema = {"properties": {"known": {"type": "string"}}}
    told = {"known": "a", "new": "b", "deep": {"x": [1, "c"], "flag": True, "none": None}}
    assert masked(told, schema) == {
        "known": "a", "new": "•••", "deep": {"x": "•••", "flag": True, "none": None}
    }  # fmt: skip
    assert masked({"a": "b"}, None) == {"a": "•••"}


def test_an_event_nobody_has_is_said(suite, monkeypatch, capsys):
    monkeypatch.setenv("CARPORT_HOME", str(suite.home.folder))
    assert main(["events", "show", "01a"]) == 1
    assert "no outbox and no inbox has event 01a" in capsys.readouterr().err


def test_a_parked_event_is_tried_again_once(paid, capsys):
    event_id = park(paid, "lease", POSTED)
    assert main(["events", "replay", event_id]) == 0
    told = capsys.readouterr().out
    assert f"lease: {event_id} will be handled again (as " in told and "lease.db" in told
    eventually(lambda: listed() == [])
    assert main(["events", "replay", event_id]) == 1
    assert "is parked in no inbox" in capsys.readouterr().out


def test_all_parked_events_of_one_service_are_tried_again(paid, capsys):
    park(paid, "lease", POSTED)
    park(paid, "payments", POSTED)
    assert main(["events", "replay", "--parked", "--service", "lease"]) == 0
    eventually(lambda: [row["unit"] for row in listed()] == ["payments"])
    assert main(["events", "replay", "--parked"]) == 0
    eventually(lambda: listed() == [])
    assert main(["events", "replay", "--parked"]) == 0
    assert "Nothing is parked." in capsys.readouterr().out


def test_what_a_consumer_never_got_is_sent_again_and_takes_effect_once(paid, capsys):
    gone = inbox.delete().where(inbox.c.type == POSTED)
    assert change(paid, "notifications", gone) == 1
    assert main(["verify", "--grace", "0", "--only", "I-26"]) == 1
    assert "is not in the inbox of notifications" in capsys.readouterr().out
    again = ["events", "replay", "--to", "notifications", "--missing"]
    assert main(again) == 0
    told = capsys.readouterr().out
    assert told.startswith("accounts: 1 events will be sent again (as ") and told.count("\n") == 1
    eventually(lambda: rows(paid, "notifications", sa.select(inbox).where(inbox.c.type == POSTED)))
    eventually(lambda: listed() == [])
    assert main(again) == 0
    assert "is in the inbox of notifications" in capsys.readouterr().out
    assert main(["verify", "--grace", "0"]) == 0


def test_a_second_run_before_the_relay_has_come_changes_nothing(paid, capsys):
    for worker in paid.workers:
        worker.stop()
    change(paid, "lease", inbox.delete().where(inbox.c.source == "accounts"))
    again = ["events", "replay", "--to", "lease", "--missing"]
    assert main(again) == main(again) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "will be sent again" in first and "is in the inbox of lease" in second


@pytest.mark.parametrize(
    ("options", "said"),
    [(["show"], "show ID"), (["replay"], "replay ID"), (["replay", "x", "--parked"], "replay ID"),
     (["replay", "--missing"], "--to SERVICE"), (["replay", "x", "--to", "lease"], "--missing"),
     (["list", "--service", "leese"], "no service leese")],
)  # fmt: skip
def test_options_that_do_not_say_what_is_meant_are_refused(capsys, options, said):
    assert main(["events", *options]) == 2
    assert said in capsys.readouterr().err
