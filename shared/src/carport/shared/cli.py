"""The roles of a service: ``python -m carport.accounts web | worker | migrate | replay | …``.

Each role imports only what it needs: a web process never opens a connection to the broker.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from carport.shared import config, telemetry
from carport.shared.db import Runtime, make_engine
from carport.shared.service import Service

THREADS = 16
KEEPALIVE_S = 15
Role = Callable[[Runtime, list[str]], int]


def main(service: Service, arguments: Sequence[str] | None = None) -> int:
    """Run one role of *service*; the exit status."""
    roles: dict[str, Callable[..., Any]] = {
        "web": web,
        "worker": worker,
        "migrate": migrate,
        "replay": replay,
        "verify": verify,
        "openapi": openapi,
        **service.commands,
    }
    parser = argparse.ArgumentParser(prog=f"python -m carport.{service.name}")
    parser.add_argument("role", choices=roles)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="arguments of the role")
    given = parser.parse_args(arguments)
    try:
        settings = config.load(service.name)
    except config.Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    telemetry.configure(service.name, level=settings.log_level)
    runtime = Runtime(service, settings, make_engine(settings.database_url))
    return int(roles[given.role](runtime, given.rest) or 0)


def web(runtime: Runtime, _arguments: list[str]) -> int:
    """Serve the API with gunicorn, one process with threads."""
    from gunicorn.app.base import BaseApplication

    from carport.shared.web import create_app

    settings = runtime.settings
    options = {
        "bind": f"{settings.host}:{settings.port}",
        "worker_class": "gthread",
        "threads": THREADS,
        "keepalive": KEEPALIVE_S,
        "control_socket_disable": True,
        "accesslog": None,
        "loglevel": "warning",
        "proc_name": f"carport-{runtime.service.name}",
    }

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return create_app(runtime)

    Server().run()
    return 0


def worker(_runtime: Runtime, _arguments: list[str]) -> int:
    """Relay, inbox, effects and jobs of this service alone need a bus between processes."""
    print("There is no bus between processes here; `carport up` runs everything in one process.")
    return 2


def migrate(runtime: Runtime, _arguments: list[str]) -> int:
    """Bring the database to the newest schema."""
    from carport.shared.migrate import upgrade

    upgrade(runtime.engine, runtime.service)
    return 0


def replay(runtime: Runtime, event_ids: list[str]) -> int:
    """Give parked events their attempts back: the named ones, or all."""
    from carport.shared import inbox

    with runtime.transaction() as tx:
        parked = [row["event_id"] for row in inbox.unfinished(tx, state="parked")]
        done = [each for each in event_ids or parked if inbox.replay(tx, each, runtime.clock())]
    print(json.dumps({"replayed": done}))
    return 0 if len(done) == len(event_ids or parked) else 1


def verify(runtime: Runtime, _arguments: list[str]) -> int:
    """Check the service's invariants; status 1 and one line each for those that do not hold."""
    with runtime.reading() as tx:
        broken = runtime.service.verify(tx) if runtime.service.verify else []
    print(json.dumps({"service": runtime.service.name, "ok": not broken, "broken": broken}))
    return 1 if broken else 0


def openapi(runtime: Runtime, _arguments: list[str]) -> int:
    """Print the OpenAPI document."""
    from carport.shared.openapi import document
    from carport.shared.web import create_app

    print(json.dumps(document(create_app(runtime)), indent=1))
    return 0
