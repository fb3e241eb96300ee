"""``python -m carport.gateway``: the gateway as a process of its own, told by the environment."""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass
from typing import Any

from environs import EnvValidationError, FileAwareEnv, validate
from gunicorn.app.base import BaseApplication

from carport.gateway.app import Gateway, create_gateway
from carport.gateway.routes import SERVICES
from carport.shared import telemetry
from carport.shared.config import Settings

THREADS = 32
WORKER = "carport.gateway.server.ProblemThreadWorker"
LIMITS = {
    "limit_request_line": 8190,
    "limit_request_fields": 200,
    "limit_request_field_size": 16 * 1024,
}
"""What gunicorn itself refuses, with the worker's problems."""


@dataclass(frozen=True)
class Told:
    """What the environment says."""

    settings: Settings
    services: dict[str, str]
    portal: str
    trusted: list[Any]
    listen: str


def configure() -> Told:
    """The environment. Raises EnvValidationError naming every variable at fault."""
    env = FileAwareEnv(prefix="CARPORT_", eager=False, strip_whitespace=True)
    services = {name: env.str(f"UPSTREAM_{name.upper()}") for name in SERVICES}
    portal = env.str("UPSTREAM_PORTAL")
    trusted = env.list("TRUSTED_PROXIES", [], subcast=ipaddress.ip_network)
    listen = f"{env.str('HOST', '127.0.0.1')}:{env.int('PORT', 8080)}"
    values: dict[str, Any] = {
        "env": env.str("ENV", "production", validate=validate.OneOf(["production", "sandbox"])),
        "sessions": env.str("SESSIONS_URL"),
        "jwks": env.str("JWKS_URL"),
        "public_base_url": env.str("PUBLIC_BASE_URL"),
    }
    env.seal()
    settings = Settings(service="gateway", database_url="", **values)
    return Told(settings, services, portal, trusted, listen)


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our worker; the gateway is made in the worker process."""

    def __init__(self, told: Told) -> None:
        self.told = told
        super().__init__()

    def load_config(self) -> None:
        """One process with threads."""
        settings = {
            "bind": self.told.listen,
            "worker_class": WORKER,
            "threads": THREADS,
            "control_socket_disable": True,
            "loglevel": "warning",
            **LIMITS,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Gateway:
        """Called in the worker process."""
        told = self.told
        gateway = create_gateway(told.settings, told.services, trusted=told.trusted)
        gateway.portal = told.portal
        return gateway


def main() -> int:
    """Serve until told to stop; 2 when the environment is incomplete."""
    telemetry.configure("gateway")
    try:
        told = configure()
    except EnvValidationError as error:
        print(f"Set these variables and start again: {error.error_messages}", file=sys.stderr)
        return 2
    Server(told).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
