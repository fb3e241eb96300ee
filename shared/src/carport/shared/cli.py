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

BACKSTAGE = ("worker", "migrate", "replay", "verify")
"""Roles that answer no requests."""


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
        settings = config.load(service.name, serves=given.role not in BACKSTAGE)
    except config.Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    telemetry.configure(service.name, level=settings.log_level)
    shown_as = f"carport-{service.name}-{given.role}"
    runtime = Runtime(service, settings, make_engine(settings.database_url, shown_as))
    return int(roles[given.role](runtime, given.rest) or 0)


def web(runtime: Runtime, _arguments: list[str]) -> int:
    """Serve the API."""
    from carport.shared import serving

    return serving.serve(runtime)


def worker(runtime: Runtime, _arguments: list[str]) -> int:
    """Consume from RabbitMQ and run relay, retries, effects and jobs, until SIGTERM or SIGINT."""
    from carport.shared import process

    return process.run(runtime)


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
