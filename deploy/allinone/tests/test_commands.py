"""The command line says what it cannot do, and does nothing by looking."""

from __future__ import annotations

import json

import pytest
from carport.allinone.__main__ import main
from carport.allinone.embedded import greeting
from carport.allinone.suite import Home
from support.client import contract


@pytest.mark.parametrize("command", [["verify"], ["events", "list"], ["staff", "disable", "ann"]])
def test_a_folder_without_data_is_refused_and_left_alone(tmp_path, monkeypatch, capsys, command):
    monkeypatch.setenv("CARPORT_HOME", str(tmp_path / "elsewhere"))
    assert main(command) == 2
    assert "There is no Carport data in" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()


def test_nobody_else_can_look_into_the_folder_of_a_new_installation(suite):
    assert suite.home.folder.stat().st_mode & 0o077 == 0


def test_an_existing_folder_is_checked(suite, monkeypatch, capsys):
    monkeypatch.setenv("CARPORT_HOME", str(suite.home.folder))
    assert main(["verify"]) == 0
    assert "All invariants hold." in capsys.readouterr().out


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "8000.0", "\u0661"])
def test_a_port_that_is_none_is_named_in_one_line(monkeypatch, capsys, port):
    monkeypatch.setenv("PORT", port)
    assert main(["up"]) == 2
    assert capsys.readouterr().err.startswith("carport: PORT is a number from 1 to 65535")


def test_the_greeting_names_one_customer_of_each_kind(tmp_path):
    kinds = ["retail, current", "retail, current", "retail, paid off", "lease, current"]
    people = [{"user_id": f"u{n}@example.com", "password": "words", "note": note}
              for n, note in enumerate(kinds)]  # fmt: skip
    staff = [{"user_id": "agent", "password": "words", "scopes": ["agent"]}]
    text = greeting(Home(tmp_path, 8000, True), {"customers": people, "staff": staff}, "2025-05-01")
    for shown in ("u0@", "u2@", "u3@", "agent", "and 1 more customers", "/sandbox/people"):
        assert shown in text
    assert "u1@" not in text


def test_a_file_of_contracts_is_boarded_line_by_line_and_may_be_given_again(
    suite, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("CARPORT_HOME", str(suite.home.folder))
    opened = {"contract_date": "2025-01-01"}
    rows = [contract(**opened), contract(**opened, principal=-1), contract(**opened)]
    file = tmp_path / "contracts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = []
    for _ in range(2):
        assert main(["board", str(file)]) == 1
        lines = capsys.readouterr().out.splitlines()
        told.append([json.loads(line)["status"] for line in lines])
    assert told[0][1] == told[1][1] == "refused"
    assert told[0][0] != told[1][0] != "refused"
