"""The distributed suite as it is deployed: every role can be replaced while it serves.

In front of each answering role stands a balancer, and the portal is there too. A role is rolled as
Kubernetes does it: one more is ready before the old one is asked to go.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from support.client import eventually
from support.cluster import ANSWERING, NAMES, SERVICES, START_S_MAX, Cluster, addresses
from support.proxy import Balancer
from support.running import free_port

PORTAL = "portal-web"
MORE = (PORTAL, "accounts-worker-2", "accounts-worker-3")
DRAIN_S_MAX = 3.0
"""The deployment gives ten seconds."""


class Rollout(Cluster):
    """*current* says which process of `processes` has each role now."""

    def __init__(self, folder: Path, **given: Any) -> None:
        super().__init__(folder, **given)
        self.ports[PORTAL] = free_port()
        self.current = {name: name for name in (*NAMES, *MORE)}
        self.balancers = {name: Balancer(self.ports[name]) for name in (*ANSWERING, PORTAL)}
        self.url = f"http://localhost:{self.balancers['gateway'].port}"
        self.env |= {
            **addresses({name: balancer.port for name, balancer in self.balancers.items()}),
            "CARPORT_UPSTREAM_PORTAL": f"http://127.0.0.1:{self.balancers[PORTAL].port}",
            "CARPORT_PUBLIC_BASE_URL": self.url,
            "CARPORT_GATEWAY_URL": self.url,
            "CARPORT_OPS_DATABASES": self._databases(),
        }
        self._numbers = itertools.count(11)

    def start(self) -> Rollout:
        """All roles, three workers of accounts among them."""
        super().start()
        for name in MORE:
            self.spawn(name)
        for name in MORE:
            self.wait_for(name)
        return self

    def stop(self) -> None:
        """Everything goes."""
        super().stop()
        for balancer in self.balancers.values():
            balancer.close()

    def add(self, role: str, **env: str) -> str:
        """One more process of *role*, ready; its name."""
        name = f"{'-'.join(role.split('-')[: 1 if role == 'gateway' else 2])}-{next(self._numbers)}"
        self.spawn(name, **env)
        self.wait_for(name)
        return name

    def wait_for(self, name: str) -> None:
        """Until the process says that it is ready."""

        def is_ready() -> bool:
            if self.died(name):
                raise RuntimeError(f"{name} has ended:\n{self.logs(name)}")
            return self.answers(name)

        eventually(is_ready, f"{name} to be ready", within_s=START_S_MAX)

    def roll(self, role: str, **env: str) -> str:
        """Replace the process of *role* by one that is ready before the old one ends; its name."""
        old, new = self.current[role], self.add(role, **env)
        if balancer := self.balancers.get(role):
            balancer.ports = [self.ports[new]]
            deadline = time.monotonic() + DRAIN_S_MAX
            while balancer.has_connections(self.ports[old]) and time.monotonic() < deadline:
                time.sleep(0.05)
        self.end(old)
        self.current[role] = new
        if status := self.processes.pop(old).returncode:
            raise RuntimeError(f"{old} ended with {status}:\n{self.logs(old)}")
        return new

    def metric(self, role: str, begins: str) -> float:
        """The sum of what the process of *role* tells in lines that begin so."""
        url = f"http://127.0.0.1:{self.ports[self.current.get(role, role)] + 1}/metrics"
        lines = httpx2.get(url, trust_env=False, timeout=10).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(begins))

    def carport(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What the command line for people says."""
        command = [sys.executable, "-m", "carport.allinone", *arguments]
        return subprocess.run(command, env={**os.environ, **self.env}, capture_output=True,
                              text=True, timeout=60)  # fmt: skip

    def _databases(self) -> str:
        return json.dumps({service: self.database(service) for service in SERVICES})
