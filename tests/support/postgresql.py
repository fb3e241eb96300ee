"""Databases of the run's own on a real PostgreSQL, made as in production: by the script, with three
roles each, migrated by the owner.

As a plugin (``pytest -p support.postgresql services``) it gives each test of a service a copy of
such a database, to which the test is connected as the application. Generated tests get fewer
examples: a history takes seconds there, and what it looks for is no matter of the database.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from carport.shared import migrate, testing
from carport.shared.db import Runtime, make_engine
from hypothesis import settings

from support import servers

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "postgres" / "create-databases"
ROLES = ("_owner", "", "_reader")
EXAMPLES_MAX = 20


def conftest_of(service: str) -> ModuleType:
    """What the tests of *service* have in common, for tests elsewhere."""
    path = ROOT / "services" / service / "tests" / "conftest.py"
    spec = spec_from_file_location(f"conftest_of_{service}", path)
    assert spec and spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(name: str) -> str:
    """The path of a program of PostgreSQL's."""
    installed = sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))
    return shutil.which(name) or installed[-1]


class Server:
    """A server and what this run has made on it, until ``close``."""

    def __init__(self, url: str) -> None:
        self.run = f"carport_{uuid.uuid4().hex[:12]}"
        self.password = uuid.uuid4().hex
        self.admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        self.databases: list[str] = []
        self.roles: list[str] = []

    def name(self, service: str) -> str:
        """The database of *service* and the role that runs it."""
        return f"{self.run}_{service}"

    def url(self, service: str, role: str = "", *, database: str = "") -> str:
        """How the owner (``_owner``), the application or the reader of *service* connects."""
        name = self.name(service)
        mine = {"username": f"{name}{role}", "password": self.password}
        url = self.admin.url.set(**mine, database=database or name)
        return url.render_as_string(hide_password=False)

    def create(self, *services: str) -> None:
        """Databases and roles, by the script."""
        names = [f"{self.name(service)}{role}" for service in services for role in ROLES]
        self.databases += [self.name(service) for service in services]
        self.roles += names
        url = self.admin.url
        env = {
            "PATH": f"{Path(program('psql')).parent}:{os.environ['PATH']}",
            "PGHOST": url.host or "127.0.0.1",
            "PGPORT": str(url.port or 5432),
            "PGUSER": url.username or "postgres",
            "PGPASSWORD": url.password or "",
            "PGDATABASE": url.database or "postgres",
        }
        with tempfile.NamedTemporaryFile("w") as file:
            file.writelines(f"{name} {self.password}\n" for name in names)
            file.flush()
            subprocess.run([str(SCRIPT), file.name], env={**os.environ, **env}, check=True)

    def migrate(self, service: str) -> None:
        """As the migrate role does."""
        engine = make_engine(self.url(service, "_owner"))
        migrate.upgrade(engine, importlib.import_module(f"carport.{service}.service").SERVICE)
        engine.dispose()

    def clone(self, service: str, template: str) -> str:
        """A copy of database *template*, to which nobody is connected; its name."""
        name = f"{self.run}_{len(self.databases)}"
        owner = f"{self.name(service)}_owner"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}")
        self.databases.append(name)
        return name

    def drop(self, name: str) -> None:
        """A database of ours."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Drop everything that is left."""
        for name in self.databases:
            self.drop(name)
        for name in self.roles:
            self.sql(f"DROP ROLE {name}")
        self.admin.dispose()

    def sql(self, statement: str) -> None:
        """As the superuser."""
        with self.admin.connect() as connection:
            connection.exec_driver_sql(statement)


class Copies:
    """A database per test, copied from one that the service's owner has migrated."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._container: servers.Container | None = None
        self._server: Server | None = None
        self._templates: set[str] = set()
        self._of_folder: dict[Path, list[str]] = {}

    def new(self, service: str, folder: Path) -> str:
        """The URL of an empty database."""
        server = self._server = self._server or self._connect()
        if service not in self._templates:
            server.create(service)
            server.migrate(service)
            self._templates.add(service)
        return self._clone(server, service, folder, template=server.name(service))

    @property
    def server(self) -> Server:
        """The server they are on, once there is one."""
        assert self._server is not None
        return self._server

    def _connect(self) -> Server:
        url = self._url or os.environ.get("TEST_POSTGRES_URL")
        if url is None:
            url, self._container = servers.postgres(servers.eras()[-1])
        return Server(url)

    def copy(self, url: str, service: str, folder: Path) -> str:
        """The URL of a copy of the database at *url*."""
        template = sa.make_url(url).database or ""
        return self._clone(self.server, service, folder, template=template)

    def _clone(self, server: Server, service: str, folder: Path, *, template: str) -> str:
        name = server.clone(service, template)
        self._of_folder.setdefault(folder, []).append(name)
        return server.url(service, database=name)

    @contextmanager
    def tampering(self, runtime: Runtime) -> Iterator[sa.Connection]:
        """As the superuser, whom PostgreSQL lets switch triggers and foreign keys off."""
        database = sa.make_url(runtime.settings.database_url).database
        engine = sa.create_engine(self.server.admin.url.set(database=database))
        with engine.begin() as tx:
            tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield tx
        engine.dispose()

    def drop(self, folder: Path) -> None:
        """The databases of a test that had *folder* for itself."""
        for each in [known for known in self._of_folder if known.is_relative_to(folder)]:
            for name in self._of_folder.pop(each):
                self.server.drop(name)

    def close(self) -> None:
        """Drop everything that is left."""
        if self._server is not None:
            self._server.close()
        if self._container is not None:
            self._container.remove()


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    copies = Copies()
    testing.databases = copies
    settings.register_profile("postgresql", max_examples=EXAMPLES_MAX)
    settings.load_profile("postgresql")
    config.add_cleanup(copies.close)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Function):
    folder = item.funcargs.get("tmp_path")
    result = yield
    if folder is not None:
        testing.databases.drop(folder)
    return result
