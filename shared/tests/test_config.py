"""A process starts with a complete configuration or says everything that is wrong with it."""

from __future__ import annotations

from datetime import date

import pytest
from carport.shared import config, sealed


@pytest.fixture
def environ(monkeypatch, tmp_path):
    sealed.write_keys(tmp_path / "keys")
    given = {
        "CARPORT_DATABASE_URL": "sqlite:///x.db",
        "CARPORT_SESSIONS_URL": "sqlite:///auth.db",
        "CARPORT_PUBLIC_BASE_URL": "https://carport.example.com",
        "CARPORT_ACCOUNTS_KEYS_FILE": str(tmp_path / "keys" / "accounts.json"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_production_is_the_default(environ):
    settings = config.load("accounts")
    assert settings.env == "production"
    assert settings.limits_url == "memory://"
    assert not settings.is_sandbox
    assert settings.keys["identity"]
    assert settings.keys["identity"] not in repr(settings)


def test_everything_missing_is_named_at_once(monkeypatch):
    with pytest.raises(config.Misconfigured) as refused:
        config.load("accounts")
    for name in ("DATABASE_URL", "SESSIONS_URL", "PUBLIC_BASE_URL", "ACCOUNTS_KEYS_FILE"):
        assert f"CARPORT_{name}" in str(refused.value)


def test_who_serves_nobody_needs_no_sessions(environ):
    environ.delenv("CARPORT_SESSIONS_URL")
    assert config.load("accounts", serves=False).sessions is None


def test_a_certificate_comes_with_its_key_or_not_at_all(environ):
    assert config.load("accounts").tls == {}
    environ.setenv("CARPORT_TLS_CERT_FILE", "/tls.crt")
    with pytest.raises(config.Misconfigured, match="CARPORT_TLS_KEY_FILE"):
        config.load("accounts")
    environ.setenv("CARPORT_TLS_KEY_FILE", "/tls.key")
    assert config.load("accounts").tls == {"certfile": "/tls.crt", "keyfile": "/tls.key"}


def test_a_value_may_stand_in_a_file_and_loses_its_newline(environ, tmp_path):
    (tmp_path / "url").write_text("sqlite:///from-file.db\n")
    environ.delenv("CARPORT_DATABASE_URL")
    environ.setenv("CARPORT_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert config.load("accounts").database_url == "sqlite:///from-file.db"


@pytest.mark.parametrize("name", config.SANDBOX_ONLY)
def test_sandbox_variables_are_refused_in_production(environ, name):
    environ.setenv(name, "2025-01-01" if name.endswith("DAY") else "1")
    with pytest.raises(config.Misconfigured, match=name):
        config.load("accounts")


def test_the_sandbox_takes_them(environ):
    environ.setenv("CARPORT_ENV", "sandbox")
    environ.setenv("CARPORT_FIRST_DAY", "2025-01-01")
    environ.setenv("CARPORT_LIMITS_FACTOR", "50")
    settings = config.load("accounts")
    assert (settings.first_day, settings.limits_factor) == (date(2025, 1, 1), 50)


@pytest.mark.parametrize(
    ("name", "value"),
    [("CARPORT_ENV", "staging"), ("CARPORT_PORT", "0"), ("CARPORT_PORT", "x"),
     ("CARPORT_BUS_URL", "amqp://guest:guest@broker"),
     ("CARPORT_DATABASE_URL", "postgresql://postgres:postgres@db/accounts"),
     ("CARPORT_ACCOUNTS_KEYS_FILE", "/nowhere/keys.json")],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(environ, name, value):
    environ.setenv(name, value)
    with pytest.raises(config.Misconfigured):
        config.load("accounts")
