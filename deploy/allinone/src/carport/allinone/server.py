"""The embedded server: one gunicorn worker process that runs the whole suite.

The suite is built and started in the worker process, after gunicorn has forked it: threads and
database connections do not survive a fork.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.app.base import BaseApplication

from carport.allinone import suite
from carport.allinone.suite import Home, Suite
from carport.shared import health, metrics, telemetry

THREADS = 32
GRACE_S = 10
KEEP_ALIVE_S = 30
log = telemetry.logger("carport.allinone")


class PortInUse(Exception):
    """Something else listens where Carport should."""

    code = "port_in_use"


class Server(BaseApplication):
    """Gunicorn around the suite of *home*; *ready* is called once the first page can be served."""

    def __init__(self, home: Home, ready: Callable[[Suite], None]) -> None:
        self.home = home
        self.ready = ready
        self.suite: Suite | None = None
        super().__init__()

    def load_config(self) -> None:
        """One worker process with threads; outside a container on the loopback interface only."""
        settings = {
            "bind": f"{self.home.host}:{self.home.port}",
            "workers": 1,
            "worker_class": "carport.gateway.server.ProblemThreadWorker",
            "threads": THREADS,
            "graceful_timeout": GRACE_S,
            "timeout": 60,
            "keepalive": KEEP_ALIVE_S,
            "control_socket_disable": True,
            "limit_request_line": 8190,
            "limit_request_fields": 200,
            "limit_request_field_size": 16384,
            "loglevel": "warning",
            "post_worker_init": lambda _worker: self.ready(self._running()),
            "worker_exit": lambda _server, _worker: self._stop(),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Called in the worker process: build and start everything."""
        sys.stderr = self.home.log()
        telemetry.configure("carport")
        telemetry.trace("carport")
        self.suite = suite.build(self.home)
        tell(self.suite)
        self.suite.start()
        return self.suite.app

    def _running(self) -> Suite:
        if self.suite is None:
            raise RuntimeError("the worker is not loaded")
        return self.suite

    def _stop(self) -> None:
        if self.suite is not None:
            self.suite.stop()


def tell(running: Suite) -> None:
    """Serve metrics and readiness of all units on the next port; without it the suite runs too."""
    runtimes, port = running.runtimes, running.home.port + 1
    looks = {name: partial(health.of_database, runtime) for name, runtime in runtimes.items()}
    parts = metrics.Parts({**looks, "gateway": running.app.parts})
    try:
        metrics.serve(running.home.host, port, parts, health.Gauges(list(runtimes.values())))
    except (OSError, OverflowError) as error:
        log.warning("no metrics", port=port, error=type(error).__name__)


def check_port(port: int) -> None:
    """Raises PortInUse, which is clearer than gunicorn's retries."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortInUse(
                f"Port {port} is in use. Start with another one: PORT=8080 make run"
            ) from None
