"""A web process of a service: gunicorn with threads around its application."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from carport.shared import health, metrics, telemetry, wakeup
from carport.shared.db import Runtime
from carport.shared.web import create_app, parts

THREADS = 16
KEEPALIVE_S = 15


def serve(runtime: Runtime, *, threads: int = THREADS, listens: bool = False) -> int:
    """Serve the API, in one process with *threads*, until stopped; one that *listens* is woken by
    the service's other processes."""
    settings = runtime.settings
    runtime.wake = wakeup.connect(runtime.engine)
    options = {
        "bind": f"{settings.host}:{settings.port}",
        "worker_class": "gthread",
        "threads": threads,
        "keepalive": KEEPALIVE_S,
        "control_socket_disable": True,
        "accesslog": None,
        "loglevel": "warning",
        "proc_name": f"carport-{runtime.service.name}",
        "post_worker_init": health.tell_serving,
        **settings.tls,
    }

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            telemetry.trace(runtime.service.name, postgresql=True)
            app = create_app(runtime)
            needs = metrics.Parts({runtime.service.name: lambda: parts(app)})
            metrics.serve(settings.host, settings.port + 1, needs, health.Gauges([runtime]))
            if listens:
                runtime.wake.listen()
            return app

    Server().run()
    return 0
