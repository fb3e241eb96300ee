"""The portal as a process of its own: ``python -m carport.portal web`` behind the gateway."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv, validate
from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.middleware.proxy_fix import ProxyFix

from carport.portal import observed
from carport.portal.api import ApiClient
from carport.portal.app import create_app
from carport.shared import config, metrics, telemetry
from carport.shared.config import Misconfigured, Settings

THREADS = 32


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with one worker of many threads; further processes are further replicas."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        given: dict[str, Any] = {
            "bind": f"{self._settings.host}:{self._settings.port}",
            "worker_class": "gthread",
            "threads": THREADS,
            "control_socket_disable": True,
            "loglevel": "warning",
            **self._settings.tls,
        }
        for name, value in given.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return build()


def build() -> Flask:
    """The portal told by the environment. Raises Misconfigured naming every variable at fault.

    Only the gateway reaches this process, so what it says about the browser's address is true.
    """
    settings, gateway_url = read_environment()
    telemetry.configure("portal", level=settings.log_level)
    telemetry.trace("portal")
    host = urlsplit(settings.public_base_url).netloc
    app = create_app(settings, ApiClient(gateway_url, host=host))
    look = metrics.Parts({"portal": partial(observed.parts, app)})
    metrics.serve(settings.host, settings.port + 1, look)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def read_environment() -> tuple[Settings, str]:
    """Settings, and the gateway's address (CARPORT_GATEWAY_URL)."""
    env = FileAwareEnv(prefix="CARPORT_", eager=False, strip_whitespace=True)
    gateway_url = env.str("GATEWAY_URL")
    values: dict[str, Any] = {
        "env": env.str("ENV", "production", validate=validate.OneOf(["production", "sandbox"])),
        "public_base_url": env.str("PUBLIC_BASE_URL"),
        "sessions": env.str("SESSIONS_URL", None),
        "home": env.path("HOME", Path("var")),
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8080, validate=validate.Range(1, 65534)),
        "log_level": env.str("LOG_LEVEL", "INFO"),
        "tls": config.tls(env),
    }
    try:
        env.seal()
    except EnvValidationError as error:
        raise Misconfigured(f"Set these variables and start again: {error}") from None
    return Settings(service="portal", database_url="", **values), gateway_url


def main(arguments: list[str]) -> int:
    if arguments != ["web"]:
        print("usage: python -m carport.portal web", file=sys.stderr)
        return 2
    try:
        settings, _ = read_environment()
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    Server(settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
