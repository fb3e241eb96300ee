"""Commands that need nothing but the address of a gateway, and, for staff, a token."""

from __future__ import annotations

import json
import sys
from datetime import date

import httpx2
import pytest
from carport.allinone import demo, remote
from carport.allinone.__main__ import main
from support.client import STAFF, contract
from support.sample import api_of

URL = "http://carport.example.com"


@pytest.fixture
def gateway(suite, monkeypatch):
    """A suite of this process that is found at URL; what was asked of it is kept."""
    asked = []

    def client(options):
        asked.append(remote.named(options))
        return suite.client()

    monkeypatch.setattr(remote, "client", client)
    monkeypatch.setenv("CARPORT_GATEWAY_URL", URL)
    suite.asked = asked
    return suite


@pytest.fixture
def file(tmp_path):
    opened = {"contract_date": "2025-01-01"}
    rows = [contract(**opened), contract(**opened, principal=-1), contract(**opened)]
    path = tmp_path / "contracts.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    return str(path)


def statuses(capsys):
    return [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()]


def test_contracts_are_boarded_through_the_gateway_and_a_file_may_be_given_again(
    gateway, file, monkeypatch, capsys
):
    monkeypatch.setenv("CARPORT_TOKEN", api_of(gateway).staff().token)
    assert main(["board", file]) == 1
    assert statuses(capsys) == ["boarded", "refused", "boarded"]
    assert main(["board", file, "--url", "http://other.example.com"]) == 1
    assert statuses(capsys) == ["known", "refused", "known"]
    assert gateway.asked == [URL, "http://other.example.com"]


def test_a_token_may_be_in_a_file(gateway, file, tmp_path, monkeypatch, capsys):
    (tmp_path / "token").write_text(api_of(gateway).staff().token + "\n")
    monkeypatch.setenv("CARPORT_TOKEN_FILE", str(tmp_path / "token"))
    assert main(["board", file]) == 1
    assert statuses(capsys)[0] == "boarded"


def test_without_a_token_nothing_is_boarded(gateway, file, capsys):
    assert main(["board", file]) == 2
    assert "CARPORT_TOKEN" in capsys.readouterr().err


def test_a_token_that_is_not_accepted_is_said(gateway, file, monkeypatch, capsys):
    monkeypatch.setenv("CARPORT_TOKEN", "x.y.z")
    assert main(["board", file]) == 2
    assert capsys.readouterr().err.startswith("carport: 401: ")


def test_somebody_at_a_terminal_is_asked_who_they_are(gateway, file, monkeypatch, capsys):
    api_of(gateway).staff()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: STAFF["user_id"] + "\n", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda: STAFF["password"])
    assert main(["board", file]) == 1
    assert statuses(capsys)[0] == "boarded"


def test_the_clock_is_shown_and_moved(gateway, capsys):
    assert main(["clock"]) == 0
    assert json.loads(capsys.readouterr().out)["business_date"] == "2025-01-01"
    assert main(["clock", "2025-01-02"]) == 0
    assert main(["clock", "2024-01-02"]) == 1
    assert "clock_backwards" in capsys.readouterr().out


def test_the_demo_is_loaded_once(gateway, monkeypatch, capsys):
    monkeypatch.setattr(demo, "script", list)
    monkeypatch.setattr(demo, "read", lambda _name: [])
    monkeypatch.setattr(demo, "LAST_DAY", date(2025, 1, 2))
    for _ in range(2):
        assert main(["demo"]) == 0
        assert "The demo is loaded" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["clock"], ["demo"], ["board", __file__]])
def test_where_nothing_answers_is_said(monkeypatch, capsys, command):
    monkeypatch.setenv("CARPORT_TOKEN", "x")
    assert main([*command, "--url", "http://127.0.0.1:9"]) == 2
    said = capsys.readouterr().err
    assert "nothing answers at http://127.0.0.1:9" in said and "CARPORT_GATEWAY_URL" in said


def test_an_answer_that_is_no_gateways_is_said(monkeypatch, capsys):
    page = httpx2.MockTransport(lambda _request: httpx2.Response(200, text="<html>"))
    made = httpx2.Client(transport=page, base_url=URL)
    monkeypatch.setattr(remote, "client", lambda _options: made)
    assert main(["clock"]) == 2
    assert "is that a gateway of Carport?" in capsys.readouterr().err
