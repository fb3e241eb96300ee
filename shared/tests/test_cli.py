"""The roles of a service, and what they say when they cannot start."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from carport.shared import cli, sealed
from carport.shared.service import Service
from sqlalchemy import MetaData

SERVICE = Service(name="accounts", metadata=MetaData(), migrations="")


@pytest.fixture
def environ(monkeypatch, tmp_path):
    sealed.write_keys(tmp_path)
    for name, value in {
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "SESSIONS_URL": f"sqlite:///{tmp_path}/auth.db",
        "PUBLIC_BASE_URL": "https://carport.example.com",
        "ACCOUNTS_KEYS_FILE": str(tmp_path / "accounts.json"),
    }.items():
        monkeypatch.setenv(f"CARPORT_{name}", value)


def test_an_incomplete_environment_is_exit_2_and_says_what_is_missing(capsys):
    assert cli.main(SERVICE, ["verify"]) == 2
    assert "CARPORT_DATABASE_URL" in capsys.readouterr().err


def test_an_unknown_role_lists_the_known_ones(environ, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(SERVICE, ["dance"])
    assert stopped.value.code == 2
    assert "migrate" in capsys.readouterr().err


def test_verify_is_exit_1_when_an_invariant_does_not_hold(environ, capsys):
    assert cli.main(SERVICE, ["verify"]) == 0
    broken = replace(SERVICE, verify=lambda tx: ["journal 5 does not balance"])
    assert cli.main(broken, ["verify"]) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"service": "accounts", "ok": False, "broken": ["journal 5 does not balance"]}


def test_openapi_prints_the_document(environ, capsys):
    assert cli.main(SERVICE, ["openapi"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"


def test_a_service_has_roles_of_its_own(environ):
    seen = []

    def board(runtime, arguments):
        seen.append((runtime.service.name, arguments))
        return 3

    assert cli.main(replace(SERVICE, commands={"board": board}), ["board", "file", "--dry"]) == 3
    assert seen == [("accounts", ["file", "--dry"])]
