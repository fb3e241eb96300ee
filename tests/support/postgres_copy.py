"""The same rows in PostgreSQL: what SQLite files hold, copied table by table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from carport.allinone.suite import SERVICES
from carport.shared import db, migrate
from carport.shared.service import Service

UNGUARDED = "SET session_replication_role = replica"
"""No triggers and no foreign keys: for the copy, and for whoever has the superuser's password."""


def copy(folder: Path, server: sa.Engine, prefix: str) -> dict[str, str]:
    """Databases ``<prefix>_<service>`` with the rows of the files in *folder*; their URLs."""
    urls = {}
    for service in SERVICES:
        urls[service.name] = create(server, f"{prefix}_{service.name}")
        source = db.make_engine(f"sqlite:///{folder / service.name}.db")
        with unguarded(urls[service.name]) as engine:
            migrate.upgrade(engine, service)
            with source.connect() as rows, engine.begin() as tx:
                tx.exec_driver_sql(UNGUARDED)
                for table in tables(service):
                    move(rows, tx, table)
                tx.exec_driver_sql("SELECT setval(pg_get_serial_sequence('outbox', 'seq'), "
                                   "(SELECT coalesce(max(seq), 0) + 1 FROM outbox))")  # fmt: skip
        source.dispose()
    return urls


def create(server: sa.Engine, name: str, template: str = "template1") -> str:
    """A new database, or a copy of *template*; its URL."""
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.url.set(database=name).render_as_string(hide_password=False)


def drop(server: sa.Engine, *urls: str) -> None:
    with server.connect() as connection:
        for url in urls:
            name = sa.make_url(url).database
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def unguarded(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def tables(service: Service) -> list[sa.Table]:
    return [*db.SPINE.sorted_tables, *service.metadata.sorted_tables]


def move(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    rows: list[Mapping[str, Any]] = [
        {**row, **{c.name: bool(row[c.name]) for c in table.c
                   if isinstance(c.type, sa.Boolean) and row[c.name] is not None}}
        for row in source.execute(sa.select(table)).mappings()
    ]  # fmt: skip
    if rows:
        target.execute(table.insert(), rows)
