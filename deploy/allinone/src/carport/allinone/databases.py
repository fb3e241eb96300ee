"""The five databases of an installation: the files of an embedded home, or servers the environment
names. Looking at them needs no key, no broker and no right to write."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from environs import FileAwareEnv

from carport.allinone.suite import SERVICES, Home
from carport.shared import checks, db, migrate
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.service import Service

ALL = "CARPORT_OPS_DATABASES"
READ, WRITE = "{}_DATABASE_URL", "{}_REPLAY_DATABASE_URL"
Snapshot = Mapping[str, sa.Connection]
"""An open transaction of each service."""


class Unusable(Exception):
    """A database that is not named, not there, not readable or of another release."""

    code = "database_unusable"


def is_distributed() -> bool:
    """Whether the environment names databases; otherwise they are those of CARPORT_HOME."""
    names = [ALL, *(f"CARPORT_{READ.format(service.name.upper())}" for service in SERVICES)]
    return any(os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in names)


def for_reading() -> dict[str, Runtime]:
    """All five, by roles that only need to read."""
    if not is_distributed():
        return embedded()
    urls = named()
    missing = [f"CARPORT_{READ.format(s.name.upper())}" for s in SERVICES if s.name not in urls]
    if missing:
        raise Unusable(f"Set {', '.join(missing)} (or each with _FILE), or {ALL}.")
    return {service.name: runtime(service, urls[service.name]) for service in SERVICES}


def for_writing() -> dict[str, Runtime]:
    """All five, by roles that may update inbox and outbox where such are named."""
    if not is_distributed():
        return embedded()
    urls = named() | urls_of(WRITE)
    return for_reading() | {s.name: runtime(s, urls[s.name]) for s in SERVICES if s.name in urls}


def embedded() -> dict[str, Runtime]:
    """The files of CARPORT_HOME, as they are."""
    home = Home.from_environment()
    home.require()
    return {s.name: runtime(s, f"sqlite:///{home.folder / s.name}.db", "sandbox") for s in SERVICES}


def runtime(service: Service, url: str, env: str | None = None) -> Runtime:
    """*service* on the database at *url*."""
    own = FileAwareEnv(prefix="CARPORT_", strip_whitespace=True)
    is_sandbox = (env or own.str("ENV", "production")) == "sandbox"
    try:
        engine = db.make_engine(url, "carport-ops")
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
        raise Unusable(f"{service.name}: this is no address of a database.") from error
    settings = Settings(
        service=service.name, database_url=url, env="sandbox" if is_sandbox else "production"
    )
    return Runtime(service, settings, engine)


def named() -> dict[str, str]:
    """The addresses the environment names, by service."""
    env = FileAwareEnv(prefix="CARPORT_", strip_whitespace=True)
    try:
        together = json.loads(env.str("OPS_DATABASES", "{}"))
        return {str(name): str(url) for name, url in together.items()} | urls_of(READ)
    except (ValueError, AttributeError):
        raise Unusable(f'{ALL} is a JSON object like {{"accounts": "postgresql+…"}}.') from None


def urls_of(name: str) -> dict[str, str]:
    """The addresses in variables called *name*, each also as the path of a file."""
    env = FileAwareEnv(prefix="CARPORT_", strip_whitespace=True)
    try:
        found = {s.name: env.str(name.format(s.name.upper()), None) for s in SERVICES}
    except ValueError as error:
        raise Unusable(str(error)) from None
    return {service: url for service, url in found.items() if url}


@contextmanager
def writing(each: Runtime) -> Iterator[sa.Connection]:
    """A transaction that changes inbox or outbox. Raises Unusable."""
    variable = f"CARPORT_{WRITE.format(each.service.name.upper())}"
    hint = (
        f"{variable} may name a role that can update inbox and outbox." if is_distributed() else ""
    )
    with explained(each, hint), each.transaction() as tx:
        yield tx


@contextmanager
def snapshot(runtimes: Mapping[str, Runtime]) -> Iterator[Snapshot]:
    """One state of each database, all of nearly the same moment: that of accounts is the newest, so
    that nobody can have heard more of an account than there is. Raises Unusable."""
    with ExitStack() as stack:
        begun: dict[str, sa.Connection] = {}
        for name, each in sorted(runtimes.items(), key=lambda item: item[0] == "accounts"):
            with explained(each):
                tx = begun[name] = stack.enter_context(each.reading())
                checks.unhurried(tx)
                if not migrate.is_current(tx, each.service):
                    raise Unusable(
                        f"{name}: the schema is of another release. Use the release that is "
                        f"deployed, or run its `migrate` (embedded: start `carport up` once)."
                    )
        yield begun


@contextmanager
def opened(runtimes: Mapping[str, Runtime]) -> Iterator[Mapping[str, Runtime]]:
    """*runtimes*, whose connections are closed at the end."""
    try:
        yield runtimes
    finally:
        for each in runtimes.values():
            each.engine.dispose()


@contextmanager
def reading() -> Iterator[Snapshot]:
    """A snapshot of what the environment names. Raises Unusable."""
    with opened(for_reading()) as runtimes, snapshot(runtimes) as tx:
        yield tx


@contextmanager
def explained(each: Runtime, hint: str = "") -> Iterator[None]:
    """Say which database it was, and by which role, without the password; then the *hint*."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error) or error).partition("\n")[0]
        raise Unusable(f"{each.service.name}: {address(each)}: {reason}. {hint}".strip()) from error


def address(each: Runtime) -> str:
    """Where a database is and who asks, to be shown."""
    url = each.engine.url
    who = f"{url.username}@" if url.username else ""
    where = f"{url.host}:{url.port or 5432}/" if url.host else ""
    return f"{who}{where}{url.database}"
