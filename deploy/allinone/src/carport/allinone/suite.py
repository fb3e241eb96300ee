"""The whole product in one process: five services, local bus, gateway and portal.

The embedded default. It assembles the same values the distributed roles use; nothing of a service
is different here but the addresses it is given.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from carport.accounts.service import SERVICE as ACCOUNTS
from carport.allinone.logfile import LogFile
from carport.auth import tokens
from carport.auth.service import SERVICE as AUTH
from carport.gateway.app import create_gateway
from carport.lease.service import SERVICE as LEASE
from carport.notifications.service import SERVICE as NOTIFICATIONS
from carport.payments.service import SERVICE as PAYMENTS
from carport.portal.api import ApiClient
from carport.portal.app import create_app as create_portal
from carport.shared import business_day, config, db, migrate, sealed, sessions, web, worker
from carport.shared.bus import LocalBus
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.service import Service

SERVICES: tuple[Service, ...] = (AUTH, ACCOUNTS, PAYMENTS, NOTIFICATIONS, LEASE)
EMPTY_FIRST_DAY = date(2025, 1, 1)
DEMO_FIRST_DAY = date(2024, 11, 1)
FIRST_DAY_S_MAX = 20.0
STEP_S = 0.01


class NoData(Exception):
    """The folder holds no installation: probably not the one that was meant."""

    code = "no_data"


class BadSetting(Exception):
    """A variable that cannot be understood."""

    code = "bad_setting"


@dataclass(frozen=True)
class Home:
    """Where this installation keeps its data, and what it was told from outside."""

    folder: Path
    port: int
    has_demo: bool
    limits_factor: int = 1
    host: str = "127.0.0.1"
    stream_s: int = 55

    @staticmethod
    def from_environment(env: Mapping[str, str] = os.environ) -> Home:
        """CARPORT_HOME (./var), PORT (8000), CARPORT_DEMO (1), CARPORT_LIMITS_FACTOR (1),
        CARPORT_STREAM_S (55), and in a container CARPORT_HOST (127.0.0.1)."""
        return Home(
            folder=Path(env.get("CARPORT_HOME", "var")).resolve(),
            port=_number(env, "PORT", 8000, most=65535),
            has_demo=env.get("CARPORT_DEMO", "1") != "0",
            limits_factor=_number(env, "CARPORT_LIMITS_FACTOR", 1),
            host=env.get("CARPORT_HOST", "127.0.0.1"),
            stream_s=_number(env, "CARPORT_STREAM_S", 55, least=0, most=300),
        )

    @property
    def url(self) -> str:
        """The address people use."""
        return f"http://localhost:{self.port}"

    def unlimited(self) -> Home:
        """The same home without rate limits, for the demo loader, which is many people at once."""
        return replace(self, limits_factor=10_000)

    def log(self) -> LogFile:
        """Where the process logs to; the terminal is for people."""
        return LogFile(self.folder / "carport.log")

    def keys_file(self, service: str) -> Path:
        """The keys of *service*, made once."""
        return self.folder / "keys" / f"{service}.json"

    def prepare(self) -> None:
        """Make the folder, for its owner alone as it holds personal data, and, once, the keys."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.keys_file("auth").exists():
            sealed.write_keys(self.folder / "keys")

    def require(self) -> None:
        """Raises NoData, so that looking at the wrong folder does not make an empty one to find
        in order."""
        if not all((self.folder / f"{service.name}.db").exists() for service in SERVICES):
            raise NoData(
                f"There is no Carport data in {self.folder}; CARPORT_HOME names the folder."
            )

    def runtime(self, service: Service) -> Runtime:
        """*service* on its own SQLite file, migrated."""
        url = f"sqlite:///{self.folder / service.name}.db"
        settings = Settings(
            service=service.name,
            database_url=url,
            env="sandbox",
            public_base_url=self.url,
            keys=config.read_keys(self.keys_file(service.name)),
            first_day=DEMO_FIRST_DAY if self.has_demo else EMPTY_FIRST_DAY,
            home=self.folder,
            port=self.port,
            limits_factor=self.limits_factor,
            stream_s=self.stream_s,
        )
        return Runtime(service, settings, db.make_engine(url))


def _number(
    env: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 10**6
) -> int:
    given = env.get(name, "") or str(default)
    if not (given.isascii() and given.isdecimal() and least <= int(given) <= most):
        raise BadSetting(f"{name} is a number from {least} to {most}, not {given!r}.")
    return int(given)


class NotReady(Exception):
    """The services did not come up; the log says why."""

    code = "not_ready"


@dataclass
class Suite:
    """Everything that runs: *app* is the one WSGI application behind the one port."""

    home: Home
    runtimes: dict[str, Runtime]
    bus: LocalBus
    app: Any
    workers: list[worker.Worker] = field(default_factory=list)

    def start(self) -> None:
        """Start the relays, inboxes, effects and jobs of all services, and wait until all of them
        know the business day, which on an empty home is announced first. Raises NotReady."""
        self.workers = [worker.Worker(r, self.bus, alone=True) for r in self.runtimes.values()]
        for each in self.workers:
            each.start()
        deadline = time.monotonic() + FIRST_DAY_S_MAX
        while not all(knows_the_day(runtime) for runtime in self.runtimes.values()):
            if time.monotonic() > deadline:
                raise NotReady(f"No business day was opened within {FIRST_DAY_S_MAX:.0f} s.")
            time.sleep(STEP_S)

    def client(self) -> httpx2.Client:
        """A client of the public API that needs no port."""
        transport = httpx2.WSGITransport(app=self.app, raise_app_exceptions=False)
        return httpx2.Client(transport=transport, base_url=self.home.url, trust_env=False)

    def stop(self) -> None:
        """Let all loops finish what they have begun and close the databases."""
        for each in self.workers:
            each.stop()
        for runtime in self.runtimes.values():
            runtime.engine.dispose()


def knows_the_day(runtime: Runtime) -> bool:
    """Whether the service has heard of its first business day."""
    with runtime.reading() as tx:
        return business_day.is_open(tx)


def open_runtimes(home: Home) -> dict[str, Runtime]:
    """The five services on their databases, brought to the newest schema."""
    home.prepare()
    runtimes = {service.name: home.runtime(service) for service in SERVICES}
    for runtime in runtimes.values():
        migrate.upgrade(runtime.engine, runtime.service)
    return runtimes


def build(home: Home) -> Suite:
    """The suite of *home*, not yet started."""
    runtimes = open_runtimes(home)
    bus = LocalBus()
    auth = runtimes["auth"]
    live, keys = sessions.SqlSessions(auth.engine), auth.settings.keys
    for runtime in runtimes.values():
        runtime.settings = replace(
            runtime.settings, sessions=live, jwks=partial(tokens.jwks, keys), behind_gateway=True
        )
        worker.subscribe(bus, runtime)
    apps = {name: web.create_app(runtime) for name, runtime in runtimes.items()}
    gateway = create_gateway(auth.settings, apps)
    gateway.portal = create_portal(auth.settings, ApiClient(home.url, wsgi_app=gateway))
    return Suite(home, runtimes, bus, gateway)
