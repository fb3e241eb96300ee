"""What tests of a service need: settings, keys and access tokens of a test's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from carport.shared import sealed, telemetry
from carport.shared.auth import ALGORITHM, AUDIENCE, ISSUER, TYPE
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.kernel.ids import new_id
from carport.shared.sessions import MemorySessions

LIFETIME = timedelta(minutes=10)


def settings(service: str, folder: Path, **more: Any) -> Settings:
    """Sandbox settings with a database file in *folder*, fresh keys and in-memory sessions."""
    telemetry.configure(service, level="WARNING")
    keys = sealed.make_keys()
    own = {**keys.get(service, {}), "test_signing": keys["auth"]["signing"][0]}
    public = ECKey.import_key(own["test_signing"]).as_dict(private=False)
    given: dict[str, Any] = {
        "env": "sandbox",
        "database_url": f"sqlite:///{folder / service}.db",
        "sessions": MemorySessions(),
        "jwks": lambda: {"keys": [public]},
        "keys": own,
        "home": folder,
        "public_base_url": "https://carport.example.com",
        "limits_factor": 1000,
    }
    return Settings(service=service, **{**given, **more})


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
