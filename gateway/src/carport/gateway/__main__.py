"""``python -m carport.gateway``: the gateway as a process of its own, told by the environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from environs import EnvValidationError, FileAwareEnv, validate
from gunicorn.app.base import BaseApplication

from carport.gateway.app import Gateway, create_gateway
from carport.gateway.proxies import Proxies
from carport.gateway.routes import SERVICES
from carport.shared import config, metrics, telemetry
from carport.shared.config import Misconfigured, Settings

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
    stream: str | None
    trusted: Proxies


def configure() -> Told:
    """The environment. Raises EnvValidationError naming every variable at fault, Misconfigured."""
    env = FileAwareEnv(prefix="CARPORT_", eager=False, strip_whitespace=True)
    services = {name: env.str(f"UPSTREAM_{name.upper()}") for name in SERVICES}
    portal, stream = env.str("UPSTREAM_PORTAL"), env.str("UPSTREAM_STREAM", None)
    trusted = env.list("TRUSTED_PROXIES", [])
    values: dict[str, Any] = {
        "env": env.str("ENV", "production", validate=validate.OneOf(["production", "sandbox"])),
        "sessions": env.str("SESSIONS_URL"),
        "jwks": env.str("JWKS_URL"),
        "public_base_url": env.str("PUBLIC_BASE_URL"),
        "limits_url": env.str("LIMITS_URL", "memory://"),
        "limits_factor": env.int("LIMITS_FACTOR", 1, validate=validate.Range(1, 10_000)),
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8080, validate=validate.Range(1, 65534)),
        "tls": config.tls(env),
    }
    env.seal()
    try:
        proxies = Proxies(trusted)
    except ValueError as error:
        raise Misconfigured(f"CARPORT_TRUSTED_PROXIES: {error}") from None
    if values["env"] == "production" and values["limits_factor"] != 1:
        raise Misconfigured("CARPORT_LIMITS_FACTOR exists only with CARPORT_ENV=sandbox")
    settings = Settings(service="gateway", database_url="", **values)
    return Told(settings, services, portal, stream, proxies)


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our worker; the gateway is made in the worker process."""

    def __init__(self, told: Told) -> None:
        self.told = told
        super().__init__()

    def load_config(self) -> None:
        """One process with threads."""
        settings = {
            "bind": f"{self.told.settings.host}:{self.told.settings.port}",
            "worker_class": WORKER,
            "threads": THREADS,
            "control_socket_disable": True,
            "loglevel": "warning",
            **LIMITS,
            **self.told.settings.tls,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Gateway:
        """Called in the worker process."""
        told, settings = self.told, self.told.settings
        telemetry.trace("gateway")
        services = told.services
        gateway = create_gateway(settings, services, stream=told.stream, trusted=told.trusted)
        gateway.portal = told.portal
        metrics.serve(settings.host, settings.port + 1, metrics.Parts({"gateway": gateway.parts}))
        return gateway


def main() -> int:
    """Serve until told to stop; 2 when the environment is incomplete."""
    telemetry.configure("gateway")
    try:
        told = configure()
    except EnvValidationError as error:
        print(f"Set these variables and start again: {error.error_messages}", file=sys.stderr)
        return 2
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    Server(told).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
