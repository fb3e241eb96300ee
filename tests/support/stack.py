"""The compose stack as tests run it: project, port, images, secrets and first day of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

from testcontainers.compose import DockerCompose

from support.running import free_port

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
UNITS = (*SERVICES, "gateway", "portal", "allinone")
STACK = ("CARPORT_", "COMPOSE_")
PRIVATE = "http://127.0.0.1:8081"
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
RSS = "for p in /proc/[0-9]*; do grep -s VmRSS $p/status; done"
SETTINGS = {"CARPORT_ENV": "sandbox", "CARPORT_FIRST_DAY": "2025-01-01",
            "CARPORT_LIMITS_FACTOR": "10000"}  # fmt: skip


def missing_engine() -> str | None:
    """Why no stack can be run here; None when it can."""
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no Docker engine: {error}"
        if done.returncode:
            return f"no Docker engine: {' '.join(command)}: {done.stderr.strip()[-200:]}"
    return None


class Stack:
    """Images of *python* and, once started, the containers."""

    def __init__(self, folder: Path, python: str = "3.13"):
        self.project = f"carport-test-{uuid.uuid4().hex[:8]}"
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.secrets, group = folder / "secrets", os.getgid() or 10001
        (folder / "units.env").write_text(lines(SETTINGS))
        self.settings = {
            "CARPORT_PROJECT": self.project, "CARPORT_VERSION": self.project,
            "CARPORT_PYTHON": python, "PORT": str(self.port), "CARPORT_PUBLIC_BASE_URL": self.url,
            "CARPORT_SECRETS": str(self.secrets), "CARPORT_SECRETS_GROUP": str(group),
            "CARPORT_ENV_FILE": str(folder / "units.env"),
        }  # fmt: skip
        (folder / "compose.env").write_text(lines(self.settings))
        self.compose = DockerCompose(ROOT, env_file=str(folder / "compose.env"), wait=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(STACK)} | self.settings

    def build(self) -> None:
        """All images."""
        self.run("--profile", "ops", "build", "-q")

    def start(self) -> Stack:
        """Secrets, then everything in the order of its health."""
        self.command(str(ROOT / "deploy/compose/make-secrets"), str(self.secrets))
        self.run("up", "-d", "--wait")
        return self

    def scale(self, **replicas: int) -> None:
        """More containers of some services: ``accounts_worker=3``."""
        options = [f"--scale={name.replace('_', '-')}={n}" for name, n in replicas.items()]
        self.run("up", "-d", "--wait", "--no-recreate", *options)

    def run(self, *arguments: str) -> str:
        """What ``docker compose`` says; raises with all of it when it fails."""
        return self.command(*self.compose.docker_compose_command(), *arguments)

    def command(self, *command: str, may_fail: bool = False) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True)
        if done.returncode and not may_fail:
            raise RuntimeError(f"{' '.join(command[-4:])}:\n{done.stdout}{done.stderr}"[-6000:])
        return done.stdout

    def verify(self) -> dict[str, Any]:
        """What the one-shot container that may look into everything finds."""
        compose = self.compose.docker_compose_command()
        command = [*compose, "run", "--rm", "-T", "--no-deps", "ops", "verify", "--json"]
        return dict(json.loads(self.command(*command, may_fail=True)))

    def containers(self) -> dict[str, Any]:
        """What the engine knows of each container, by its name without the project's."""
        names = [each.Name for each in self.compose.get_containers(include_all=True)]
        found = json.loads(self.command("docker", "inspect", *names))
        return {each["Name"].removeprefix(f"/{self.project}-"): each for each in found}

    def metric(self, service: str, number: int, name: str) -> float:
        """The sum of a counter over its labels, from one container's private port."""
        look = f"import urllib.request as u; print(u.urlopen('{PRIVATE}/metrics').read().decode())"
        told = self.run("exec", "-T", f"--index={number}", service, "python", "-c", look)
        found = [line for line in told.splitlines() if line.startswith(f"{name}{{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def largest_process(self) -> dict[str, int]:
        """KiB in memory of the largest process of each unit's container."""
        found = {}
        for name, each in self.containers().items():
            is_unit = each["Config"]["Image"].startswith("carport/") and each["State"]["Running"]
            if is_unit:
                told = self.command("docker", "exec", each["Id"], "sh", "-c", RSS)
                found[name] = max(int(line.split()[1]) for line in told.splitlines())
        return found

    def logs(self, *services: str, length: int | None = None, prefix: bool = True) -> str:
        """The end of each container's log, or all of it; Compose's own colours taken out."""
        how = [] if length is None else ["--tail", str(length)]
        how += [] if prefix else ["--no-log-prefix"]
        return COLOURS.sub("", self.run("logs", *how, *services))

    def stop(self) -> None:
        """Containers, networks, volumes and images of the run."""
        self.run("--profile", "ops", "down", "--volumes", "--timeout", "3", "--remove-orphans")
        images = [f"carport/{unit}:{self.project}" for unit in UNITS]
        subprocess.run(["docker", "image", "rm", *images], capture_output=True)


def lines(values: dict[str, str]) -> str:
    """An env file."""
    return "".join(f"{name}={value}\n" for name, value in values.items())
