"""`carport close-status`: an open day, a close that waits, and what it waits for."""

from __future__ import annotations

import json

import pytest
from carport.allinone.__main__ import main
from carport.allinone.embedded import open_existing
from carport.allinone.suite import SERVICES
from support.client import contract, eventually
from support.sample import api_of


@pytest.fixture
def api(suite, monkeypatch):
    monkeypatch.setenv("CARPORT_HOME", str(suite.home.folder))
    found = api_of(suite)
    found.staff().board(contract(contract_date="2025-01-01"))
    return found


def status(capsys):
    assert main(["close-status", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_open_day_is_open(api, capsys):
    told = status(capsys)
    assert (told["business_date"], told["closing"], told["moving_to"]) == ("2025-01-01", None, None)
    api.move_to("2025-01-03")
    assert main(["close-status"]) == 0
    text = capsys.readouterr().out
    assert "Business date 2025-01-03" in text and "The day is open." in text
    assert "Last closed: 2025-01-02" in text


def test_a_close_that_is_held_says_what_it_waits_for(api, suite, capsys):
    held = next(worker for worker in suite.workers if worker.runtime.service.name == "lease")
    held.stop()
    api.send("PUT", "/v1/sandbox/clock", {"business_date": "2025-01-02"}, idempotent=False)
    eventually(lambda: status(capsys)["closing"])
    eventually(lambda: [gap["source"] for gap in status(capsys)["closing"]["waiting_for"]]
               == ["lease"])  # fmt: skip
    told = status(capsys)
    assert told["moving_to"] == "2025-01-02"
    assert (told["closing"]["contracts_left"], told["closing"]["contracts_closed"]) == (1, 0)
    assert main(["close-status"]) == 0
    text = capsys.readouterr().out
    assert "waits for day_done of lease" in text and "1 left" in text
    assert "payments stands on 2025-01-02" in text


def test_before_the_first_day_there_is_nothing_to_tell(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CARPORT_HOME", str(tmp_path))
    for service in SERVICES:
        (tmp_path / f"{service.name}.db").touch()
    assert main(["close-status"]) == 2
    assert "schema is of another release" in capsys.readouterr().err
    for runtime in open_existing().values():
        runtime.engine.dispose()
    assert main(["close-status"]) == 1
    assert "No business day has been opened yet" in capsys.readouterr().out
