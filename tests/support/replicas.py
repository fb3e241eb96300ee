"""Two processes of auth, as far as they know of each other, and a gateway before the first."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from carport.auth import passwords
from carport.auth.commands import staff
from carport.auth.service import SERVICE
from carport.auth.tokens import jwks
from carport.gateway.app import create_gateway
from carport.shared import migrate, sealed, testing
from carport.shared.db import Runtime, make_engine
from carport.shared.web import create_app
from werkzeug.test import Client, TestResponse

PASSWORD = "three quiet otters 7"
TOKENS = "/v1/auth/tokens"
ME = "/v1/auth/me"


class Replicas:
    """On one database and one store; *doors* are the applications, the gateway the last."""

    def __init__(self, folder: Path, *, database_url: str, store_url: str):
        keys = sealed.make_keys()["auth"]
        self.settings = testing.settings(
            "auth",
            folder,
            database_url=database_url,
            sessions=store_url,
            limits_url=store_url,
            limits_factor=10_000,
            jwks=lambda: jwks(keys),
            keys={**keys, "test_signing": keys["signing"][0]},
        )
        self._hash = passwords.hashed(PASSWORD)
        self.runtimes: list[Runtime] = []
        self.start()
        migrate.upgrade(self.runtimes[0].engine, SERVICE)

    def start(self) -> None:
        """Start them, or start them again: what they had in memory is gone."""
        self.stop()
        engines = [make_engine(self.settings.database_url) for _ in range(2)]
        self.runtimes = [Runtime(SERVICE, self.settings, engine) for engine in engines]
        apps = [create_app(runtime) for runtime in self.runtimes]
        self.doors: list[Any] = [*apps, create_gateway(self.settings, {"auth": apps[0]})]

    def stop(self) -> None:
        for runtime in self.runtimes:
            runtime.engine.dispose()

    def call(
        self, method: str, path: str, body: Any = None, *, door: int = 0, token: str = "",
        device: str = "",
    ) -> TestResponse:  # fmt: skip
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if device:
            headers["X-Device"] = device
        return Client(self.doors[door]).open(path, method=method, json=body, headers=headers)

    def add_user(self) -> str:
        """Somebody with PASSWORD; the name."""
        name = f"agent.{secrets.token_hex(6)}"
        with self.runtimes[0].transaction() as tx:
            now = self.runtimes[0].clock()
            staff.add(tx, name, password_hash=self._hash, scopes=["agent"], now=now)
        return name

    def log_in(self, name: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        body = {"grant": "password", "user_id": name, "password": password}
        return self.call("POST", TOKENS, body, **more)

    def refresh(self, token: str, **more: Any) -> TestResponse:
        body = {"grant": "refresh", "refresh_token": token}
        return self.call("POST", TOKENS, body, **more)
