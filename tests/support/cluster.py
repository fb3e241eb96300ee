"""The distributed suite as processes of this machine: PostgreSQL, RabbitMQ and Valkey are given.

One database per service and one virtual host, named for the run; each role is a process group of
its own that can be killed, paused and started again, with a failpoint if wanted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import httpx2
import sqlalchemy as sa

from support.running import free_port

SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
ROLES = ("web", "worker")
STREAM = "notifications-stream"
NAMES = (*(f"{service}-{role}" for service in SERVICES for role in ROLES), STREAM, "gateway")
ANSWERING = ("gateway", STREAM, *(f"{service}-web" for service in SERVICES))
START_S_MAX = 90.0
STOP_S_MAX = 15.0


class Cluster:
    """Processes by name: ``gateway``, ``accounts-web``, ``accounts-worker``, ``accounts-worker-2``.

    *postgres* is the URL of a superuser, *amqp* of a virtual host of the run's own, *valkey* of a
    database of it. With *demo* of nothing: it starts empty, on 2025-01-01.
    """

    def __init__(
        self,
        folder: Path,
        *,
        postgres: str,
        amqp: str,
        valkey: str,
        env: dict[str, str] | None = None,
    ):
        self.folder = folder
        self.run = f"carport_{uuid.uuid4().hex[:12]}"
        self.server = sa.make_url(postgres)
        self.ports = {name: free_port() for name in ANSWERING}
        self.url = f"http://localhost:{self.ports['gateway']}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        keys = folder / "keys"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CARPORT_")},
            "CARPORT_ENV": "sandbox",
            "CARPORT_BUS_URL": amqp,
            "CARPORT_SESSIONS_URL": valkey,
            "CARPORT_LIMITS_URL": valkey,
            "CARPORT_PUBLIC_BASE_URL": self.url,
            "CARPORT_FIRST_DAY": "2025-01-01",
            "CARPORT_LIMITS_FACTOR": "10000",
            "CARPORT_BEHIND_GATEWAY": "1",
            "CARPORT_UPSTREAM_PORTAL": "http://127.0.0.1:9",
            **{f"CARPORT_{s.upper()}_KEYS_FILE": str(keys / f"{s}.json") for s in SERVICES},
            **addresses(self.ports),
            **(env or {}),
        }

    def database(self, service: str) -> str:
        """The URL of a service's database."""
        named = self.server.set(database=f"{self.run}_{service}")
        return named.render_as_string(hide_password=False)

    def start(self) -> Cluster:
        """Databases, keys, schemas, then every role; returns when the gateway says all is well."""
        self.prepare()
        self.migrate()
        for name in NAMES:
            self.spawn(name)
        self.wait()
        return self

    def prepare(self) -> None:
        """Empty databases, and keys."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sql(*(f"CREATE DATABASE {self.run}_{service}" for service in SERVICES))
        from carport.shared import sealed

        sealed.write_keys(self.folder / "keys")

    def migrate(self) -> None:
        """Bring every database to this release's schema."""
        migrations = [self._popen(f"{s}-migrate", self._command(s, "migrate")) for s in SERVICES]
        if any(process.wait(START_S_MAX) for process in migrations):
            raise RuntimeError(f"a migration failed:\n{self.logs()}")

    def wait(self, within_s: float = START_S_MAX) -> None:
        """Until the gateway and all services behind it are ready."""
        deadline = time.monotonic() + within_s
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready after {within_s:.0f} s:\n{self.logs()}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            answer = httpx2.get(f"{self.url}/status", timeout=3, trust_env=False)
            clock = httpx2.get(f"{self.url}/v1/sandbox/clock", timeout=3, trust_env=False)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200 and clock.status_code == 200

    def answers(self, name: str) -> bool:
        """Whether the role says on its private port that it is ready."""
        url = f"http://127.0.0.1:{self.ports[name] + 1}/readyz"
        try:
            return httpx2.get(url, timeout=3, trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def spawn(self, name: str, **env: str) -> None:
        """Start the role *name*; a number at its end makes it one more of its kind."""
        unit, *role = name.split("-")[:2]
        command = self._command(unit, *(role if unit != "gateway" else ()))
        port = self.ports.get(name) or self.ports.setdefault(name, free_port())
        self.processes[name] = self._popen(name, command, CARPORT_PORT=str(port), **env)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to the role's whole process group."""
        os.killpg(self.processes[name].pid, number)

    def died(self, name: str) -> bool:
        """Whether the role has ended."""
        return self.processes[name].poll() is not None

    def end(self, name: str) -> None:
        """Stop the role gracefully, if it has not ended."""
        if not self.died(name):
            self.kill(name, signal.SIGTERM)
            self.processes[name].wait(STOP_S_MAX)

    def restart(self, name: str, **env: str) -> None:
        """Stop the role gracefully and start it again."""
        self.end(name)
        self.spawn(name, **env)

    def stop(self) -> None:
        """Everything goes, the databases too."""
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._sql(*(f"DROP DATABASE IF EXISTS {self.run}_{s} WITH (FORCE)" for s in SERVICES))

    def logs(self, name: str = "*", length: int = 3000) -> str:
        """The end of each log."""
        files = sorted(self.folder.glob(f"{name}.log"))
        return "".join(f"--- {f.name}\n{f.read_text(errors='replace')[-length:]}\n" for f in files)

    def engine(self, service: str) -> sa.Engine:
        """A look into a service's database, without a pool."""
        return sa.create_engine(self.database(service), poolclass=sa.NullPool)

    def scalar(self, service: str, query: str, **values: object) -> object:
        """One value from a service's database."""
        with self.engine(service).connect() as connection:
            return connection.execute(sa.text(query), values).scalar()

    def _command(self, unit: str, *role: str) -> list[str]:
        return [sys.executable, "-m", f"carport.{unit}", *role]

    def _popen(self, name: str, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        service = name.split("-")[0]
        own = {"CARPORT_DATABASE_URL": self.database(service)} if service in SERVICES else {}
        with (self.folder / f"{name}.log").open("ab") as out:
            return subprocess.Popen(command, env={**self.env, **own, **env}, stdout=out,
                                    stderr=out, start_new_session=True)  # fmt: skip

    def _sql(self, *statements: str) -> None:
        engine = sa.create_engine(self.server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
        engine.dispose()


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """What units are told of each other's *ports*."""
    at = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    return {
        "CARPORT_JWKS_URL": f"{at['auth-web']}/.well-known/jwks.json",
        "CARPORT_UPSTREAM_STREAM": at[STREAM],
        **{f"CARPORT_UPSTREAM_{s.upper()}": at[f"{s}-web"] for s in SERVICES},
    }
