"""Configuration: environment variables only, read once at start, every fault named at once.

A variable ``X`` may also be given as ``X_FILE``, the path of a file that holds it.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from environs import EnvValidationError, FileAwareEnv, validate

SANDBOX_ONLY = ("CARPORT_FAILPOINT", "CARPORT_FIRST_DAY", "CARPORT_DEMO", "CARPORT_LIMITS_FACTOR")
DEFAULT_SECRETS = re.compile(r"//(guest:guest|postgres:postgres|admin:admin|root:root)@")
KEYS_MODE_FORBIDDEN = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
"""The group may read: Kubernetes mounts secrets so."""


class Misconfigured(Exception):
    """The process cannot start; the message names every variable at fault."""

    code = "misconfigured"


@dataclass(frozen=True)
class Settings:
    """What a unit is told from outside. *sessions* is the address of the store of live sessions
    or the store itself, *jwks* the address of auth's keys or a function that answers them. A stream
    of events ends after *stream_s*; a process has at most *streams_max* of them."""

    service: str
    database_url: str
    env: Literal["production", "sandbox"] = "production"
    bus_url: str | None = None
    sessions: Any = None
    jwks: str | Callable[[], dict[str, Any]] | None = None
    public_base_url: str = "http://localhost:8080"
    lender_file: Path | None = None
    keys: Mapping[str, Any] = field(default_factory=dict, repr=False)
    first_day: date | None = None
    home: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8080
    behind_gateway: bool = False
    limits_url: str = "memory://"
    limits_factor: int = 1
    log_level: str = "INFO"
    stream_s: int = 55
    streams_max: int = 8
    tls: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_sandbox(self) -> bool:
        """Whether the sandbox's routes and providers exist."""
        return self.env == "sandbox"


def load(service: str, *, serves: bool = True) -> Settings:
    """The settings of *service* from the environment; what *serves* nobody needs no sessions.
    Raises Misconfigured."""
    env = FileAwareEnv(prefix="CARPORT_", eager=False, strip_whitespace=True)
    try:
        values: dict[str, Any] = {
            "env": env.str("ENV", "production", validate=validate.OneOf(["production", "sandbox"])),
            "database_url": env.str("DATABASE_URL"),
            "bus_url": env.str("BUS_URL", None),
            "sessions": env.str("SESSIONS_URL", *(() if serves else (None,))),
            "jwks": env.str("JWKS_URL", None),
            "public_base_url": env.str("PUBLIC_BASE_URL"),
            "lender_file": env.path("LENDER_FILE", None),
            "first_day": env.date("FIRST_DAY", None),
            "home": env.path("HOME", Path("var")),
            "host": env.str("HOST", "127.0.0.1"),
            "port": env.int("PORT", 8080, validate=validate.Range(1, 65535)),
            "behind_gateway": env.bool("BEHIND_GATEWAY", False),
            "limits_url": env.str("LIMITS_URL", "memory://"),
            "limits_factor": env.int("LIMITS_FACTOR", 1, validate=validate.Range(1, 10_000)),
            "log_level": env.str("LOG_LEVEL", "INFO"),
            "stream_s": env.int("STREAM_S", 55, validate=validate.Range(0, 300)),
            "tls": tls(env),
        }
        keys_file = env.path(f"{service.upper()}_KEYS_FILE")
        given = {name: env.str(name.removeprefix("CARPORT_"), None) for name in SANDBOX_ONLY}
        env.seal()
    except EnvValidationError as error:
        found: Any = error.error_messages
        faults = "; ".join(f"{name}: {' '.join(why)}" for name, why in found.items())
        raise Misconfigured(f"Set these variables and start again: {faults}") from None
    except ValueError as error:
        raise Misconfigured(str(error)) from None
    refuse_sandbox_values(values, [name for name, value in given.items() if value])
    return Settings(service=service, keys=read_keys(keys_file), **values)


def tls(env: FileAwareEnv) -> dict[str, str]:
    """What gunicorn needs to speak TLS: nothing without a certificate. Raises Misconfigured for
    half of it. Whom a client believes is Python's own ``SSL_CERT_FILE``."""
    found = {"certfile": env.str("TLS_CERT_FILE", ""), "keyfile": env.str("TLS_KEY_FILE", "")}
    if all(found.values()):
        return found
    if any(found.values()):
        raise Misconfigured("CARPORT_TLS_CERT_FILE and CARPORT_TLS_KEY_FILE go together")
    return {}


def refuse_sandbox_values(values: Mapping[str, Any], given: list[str]) -> None:
    """In production: no variable of the sandbox, no credentials everybody knows."""
    if values["env"] == "sandbox":
        return
    faults = [f"{name} exists only with CARPORT_ENV=sandbox" for name in given]
    urls = {"CARPORT_DATABASE_URL": values["database_url"], "CARPORT_BUS_URL": values["bus_url"]}
    known = [name for name, url in urls.items() if url and DEFAULT_SECRETS.search(url)]
    faults += [f"{name} uses default credentials" for name in known]
    if faults:
        raise Misconfigured("; ".join(faults))


def read_keys(path: Path) -> dict[str, Any]:
    """The keys in the file at *path*. Raises Misconfigured when others may read or change it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & KEYS_MODE_FORBIDDEN:
            raise Misconfigured(f"{path} has mode {mode:04o}; run: chmod 600 {path}")
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} is no readable keys file: {type(error).__name__}") from None
    if not isinstance(loaded, dict):
        raise Misconfigured(f"{path} must hold one JSON object")
    return loaded
