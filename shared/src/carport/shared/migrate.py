"""Schema migrations: Alembic trees of the spine and of each service, run by a one-shot role.

A database has two trees with a version table each: ``spine_version`` for the tables every service
has and ``<service>_version`` for its own. Each is brought to its head in one transaction, one
process at a time, so that an interrupted migration left nothing and is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
import stamina
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

from carport.shared import (
    approval,
    business_day,
    failpoints,
    idempotency,
    inbox,
    jobs,
    lease,
    outbox,
    roles,
)
from carport.shared.db import SPINE
from carport.shared.retry import has_timed_out, is_away
from carport.shared.service import Service

SPINE_TREE = "carport.shared:migrations"
DECLARING = (approval, business_day, idempotency, inbox, jobs, lease, outbox)
"""The modules that declare the tables of the spine: only what is imported can be compared."""
LOCK = 0x4361_7270
"""The advisory lock of migrations, in each database."""
TABLE_WAIT_MS_MAX = 500
TRIES_MAX = 60
TRYING_S_MAX = 60.0
"""For a database that starts, or tables that live requests hold."""


def upgrade(engine: sa.Engine, service: Service, revision: str = "head") -> None:
    """Bring the database of *service* to *revision* of its own tree, the spine to its head, and
    say again who may do what in it. What a later release has migrated stays as it is."""
    upgrade_spine(engine)
    _upgrade(engine, tree_of(service), revision)
    with alone(engine) as connection:
        if not any(_is_later(connection, tree) for tree in (tree_of(None), tree_of(service))):
            there = set(sa.inspect(connection).get_table_names())
            both = (*SPINE.sorted_tables, *service.metadata.sorted_tables)
            roles.grant(connection, (table for table in both if table.name in there))


def upgrade_spine(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the tables every service has to their head."""
    _upgrade(engine, tree_of(None), revision)


def is_current(connection: sa.Connection, service: Service) -> bool:
    """Whether the database of *service* has the schema of this release, or a later one's."""
    trees = (tree_of(None), tree_of(service))
    return all(_is_at(connection, tree, "head") or _is_later(connection, tree) for tree in trees)


def downgrade(engine: sa.Engine, service: Service, revision: str) -> None:
    """Take the service's own tree back to *revision*."""
    tree = tree_of(service)
    with alone(engine) as connection:
        tree.attributes["connection"] = connection
        command.downgrade(tree, revision)


@contextmanager
def alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction in which nobody else migrates this database. It takes what time it needs, but
    waits only briefly for a table: requests queue behind whoever waits for one."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            for limit in ("statement_timeout", "lock_timeout"):
                connection.execute(sa.text(f"SET LOCAL {limit} = 0"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{TABLE_WAIT_MS_MAX}ms'"))
        yield connection


def _upgrade(engine: sa.Engine, tree: Config, revision: str) -> None:
    for attempt in stamina.retry_context(
        on=_will_pass, attempts=TRIES_MAX, timeout=TRYING_S_MAX, wait_initial=0.2
    ):
        with attempt, alone(engine) as connection:
            if not (_is_at(connection, tree, revision) or _is_later(connection, tree)):
                tree.attributes["connection"] = connection
                command.upgrade(tree, revision)
                failpoints.hit("migrate.before_commit")


def _will_pass(error: Exception) -> bool:
    return is_away(error) or has_timed_out(error)


def revisions(service: Service | None) -> list[Script]:
    """All revisions of a tree, the first one first."""
    return list(ScriptDirectory.from_config(tree_of(service)).walk_revisions())[::-1]


def difference(connection: sa.Connection, service: Service) -> list[Any]:
    """What the migrated schema and the tables in code do not share; empty when they agree."""
    both = sa.MetaData(naming_convention=SPINE.naming_convention)
    for metadata in (SPINE, service.metadata):
        for table in metadata.sorted_tables:
            table.to_metadata(both)
    options = {"include_object": _is_ours, "compare_type": _compare_type}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), both))


def run() -> None:
    """The body of every ``env.py``."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=attributes["metadata"],
        version_table=attributes["version_table"],
        include_object=_is_in(attributes["metadata"]),
        render_as_batch=True,
        transaction_per_migration=False,
        user_module_prefix="db.",
    )
    with context.begin_transaction():
        context.run_migrations()


def tree_of(service: Service | None) -> Config:
    """The revisions of a service's own tables; of those every service has without one."""
    if service is None:
        return _config(SPINE_TREE, SPINE, "spine_version")
    package, _, folder = service.migrations.rpartition(".")
    return _config(f"{package}:{folder}", service.metadata, f"{service.name}_version")


def _config(location: str, metadata: sa.MetaData, version_table: str) -> Config:
    config = Config()
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    config.attributes.update(metadata=metadata, version_table=version_table)
    return config


def _is_at(connection: sa.Connection, tree: Config, revision: str) -> bool:
    wanted = ScriptDirectory.from_config(tree).get_heads() if revision == "head" else [revision]
    return sorted(_found(connection, tree)) == sorted(wanted)


def _is_later(connection: sa.Connection, tree: Config) -> bool:
    """Whether the database is at a revision this release does not know: the next one's, which works
    with this one too. So a release can be taken back without its database."""
    known = {each.revision for each in ScriptDirectory.from_config(tree).walk_revisions()}
    found = _found(connection, tree)
    return bool(found) and known.isdisjoint(found)


def _found(connection: sa.Connection, tree: Config) -> tuple[str, ...]:
    options = {"version_table": tree.attributes["version_table"]}
    return MigrationContext.configure(connection, opts=options).get_current_heads()


def _is_in(metadata: sa.MetaData) -> Any:
    def include(_item: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or name in metadata.tables

    return include


def _is_ours(_item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    return not (kind == "table" and reflected and other is None and str(name).endswith("_version"))


def _compare_type(_context: Any, _found: Any, _coded: Any, found: Any, coded: Any) -> bool | None:
    """Types that are the same to the database although Alembic spells them differently."""
    dialect = _context.dialect
    return str(found.compile(dialect)) != str(coded.compile(dialect))
