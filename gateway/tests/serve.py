"""``serve.py PORT FOLDER THREADS``: the gateway under its real server, before small apps."""

from __future__ import annotations

import sys
from pathlib import Path

from carport.gateway import server
from carport.gateway.__main__ import LIMITS, WORKER
from carport.gateway.app import create_gateway
from carport.shared import testing
from gunicorn.app.base import BaseApplication


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    length = ("Content-Length", str(len(body)))
    start_response("200 OK", [length, ("X-Path", environ["PATH_INFO"])])
    return [body]


def broken(environ, start_response):
    if environ["PATH_INFO"].startswith("/v1/"):
        raise RuntimeError("secret internals")
    return echo(environ, start_response)


class Server(BaseApplication):
    def __init__(self, port, folder, threads):
        self.port, self.folder, self.threads = port, folder, threads
        super().__init__()

    def load_config(self):
        settings = {
            **LIMITS,
            "bind": f"127.0.0.1:{self.port}",
            "worker_class": WORKER,
            "threads": int(self.threads),
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "critical",
            "graceful_timeout": 1,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self):
        server.ARRIVE_S = 2.0
        settings = testing.settings("gateway", Path(self.folder))
        gateway = create_gateway(settings, {"auth": echo, "accounts": broken})
        gateway.portal = echo
        return gateway


if __name__ == "__main__":
    Server(*sys.argv[1:]).run()
