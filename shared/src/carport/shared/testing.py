"""What tests of a service need: settings, keys and access tokens of a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Connection

from carport.shared import sealed, telemetry
from carport.shared.auth import ALGORITHM, AUDIENCE, ISSUER, TYPE
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.kernel.ids import new_id
from carport.shared.sessions import MemorySessions

LIFETIME = timedelta(minutes=10)
TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


class Databases(Protocol):
    """Where tests have their databases."""

    def new(self, service: str, folder: Path) -> str:
        """The URL of an empty database of a test's own, for as long as it has *folder*."""

    def copy(self, url: str, service: str, folder: Path) -> str:
        """The URL of a copy of the database at *url*, which nobody uses."""

    def tampering(self, runtime: Runtime) -> AbstractContextManager[Connection]:
        """A transaction of somebody whom neither triggers nor foreign keys hold back."""


class Files:
    """SQLite files in the folder of the test."""

    def new(self, service: str, folder: Path) -> str:
        """A file that is made when it is opened."""
        return f"sqlite:///{folder / service}.db"

    def copy(self, url: str, service: str, folder: Path) -> str:
        """A copy of the file."""
        copied = self.new(service, folder)
        shutil.copy(url.removeprefix("sqlite:///"), copied.removeprefix("sqlite:///"))
        return copied

    @contextmanager
    def tampering(self, runtime: Runtime) -> Iterator[Connection]:
        """Takes the triggers away and puts them back."""
        with runtime.transaction() as tx:
            triggers = tx.exec_driver_sql(TRIGGERS).all()
            tx.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for name, _ in triggers:
                tx.exec_driver_sql(f"DROP TRIGGER {name}")
            yield tx
            for _, made in triggers:
                tx.exec_driver_sql(made)


databases: Databases = Files()
"""A lane on PostgreSQL puts its own here."""


def settings(service: str, folder: Path, **more: Any) -> Settings:
    """Sandbox settings with a database of the test's own, fresh keys and in-memory sessions."""
    telemetry.configure(service, level="WARNING")
    keys = sealed.make_keys()
    own = {**keys.get(service, {}), "test_signing": keys["auth"]["signing"][0]}
    public = ECKey.import_key(own["test_signing"]).as_dict(private=False)
    given: dict[str, Any] = {
        "env": "sandbox",
        "database_url": databases.new(service, folder),
        "sessions": MemorySessions(),
        "jwks": lambda: {"keys": [public]},
        "keys": own,
        "home": folder,
        "public_base_url": "https://carport.example.com",
        "limits_factor": 1000,
    }
    return Settings(service=service, **{**given, **more})


def copied(of: Settings, folder: Path, **more: Any) -> Settings:
    """*of*, whose database nobody uses, with a copy of it and sessions of its own."""
    url = databases.copy(of.database_url, of.service, folder)
    given = {"database_url": url, "sessions": MemorySessions(), "home": folder, **more}
    return replace(of, **given)


def token(
    runtime: Runtime,
    *,
    sub: str | None = None,
    scope: str = "customer",
    accounts: Sequence[str] = (),
    claims: dict[str, Any] | None = None,
) -> str:
    """An access token of a live session; *claims* replace or, with None, remove claims."""
    now = runtime.clock()
    sid = new_id(now)
    runtime.settings.sessions.open(sid, now + timedelta(days=1))
    issued = int(now.timestamp())
    held: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": sub or new_id(now),
        "sid": sid,
        "scope": scope,
        "party": new_id(now),
        "accounts": list(accounts),
        "acr": "pwd",
        "auth_time": issued,
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "jti": new_id(now),
        **(claims or {}),
    }
    key = runtime.settings.keys["test_signing"]
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key["kid"]}
    present = {name: value for name, value in held.items() if value is not None}
    return jwt.encode(header, present, ECKey.import_key(key), algorithms=[ALGORITHM])


def bearer(runtime: Runtime, **who: Any) -> dict[str, str]:
    """The ``Authorization`` header of such a token."""
    return {"Authorization": f"Bearer {token(runtime, **who)}"}
