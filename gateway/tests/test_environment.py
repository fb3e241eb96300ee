"""The gateway as a process: told by the environment, it says everything that is wrong with it."""

from __future__ import annotations

import pytest
from carport.gateway.__main__ import configure, main
from carport.gateway.routes import SERVICES

GIVEN = {
    "CARPORT_ENV": "sandbox",
    "CARPORT_SESSIONS_URL": "redis://valkey:6379/0",
    "CARPORT_LIMITS_URL": "redis://valkey:6379/1",
    "CARPORT_JWKS_URL": "http://auth-web:8080/.well-known/jwks.json",
    "CARPORT_PUBLIC_BASE_URL": "https://pay.example.com",
    "CARPORT_UPSTREAM_PORTAL": "http://portal:8080",
    **{f"CARPORT_UPSTREAM_{name.upper()}": f"http://{name}-web:8080" for name in SERVICES},
}


@pytest.fixture
def environ(monkeypatch):
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_limits_are_counted_where_the_environment_says(environ):
    environ.setenv("CARPORT_LIMITS_FACTOR", "50")
    settings = configure().settings
    assert (settings.limits_url, settings.limits_factor) == ("redis://valkey:6379/1", 50)


def test_limits_are_counted_in_the_process_unless_told_otherwise(environ):
    environ.delenv("CARPORT_LIMITS_URL")
    assert configure().settings.limits_url == "memory://"


def test_production_refuses_wider_limits(environ, capsys):
    environ.setenv("CARPORT_ENV", "production")
    environ.setenv("CARPORT_LIMITS_FACTOR", "50")
    assert main() == 2
    assert "CARPORT_LIMITS_FACTOR" in capsys.readouterr().err


def test_streams_come_from_where_the_environment_says(environ):
    assert configure().stream is None
    environ.setenv("CARPORT_UPSTREAM_STREAM", "http://notifications-stream:8080")
    assert configure().stream == "http://notifications-stream:8080"


def test_what_is_missing_is_named(environ, capsys):
    environ.delenv("CARPORT_SESSIONS_URL")
    assert main() == 2
    assert "CARPORT_SESSIONS_URL" in capsys.readouterr().err
