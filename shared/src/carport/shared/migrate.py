"""Schema migrations: Alembic trees of the spine and of each service, run by a one-shot role.

A database has two trees with a version table each: ``spine_version`` for the tables every service
has and ``<service>_version`` for its own. Migrations run on SQLite and PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from carport.shared import approval, business_day, idempotency, inbox, jobs, lease, outbox
from carport.shared.db import SPINE
from carport.shared.service import Service

SPINE_TREE = "carport.shared:migrations"
DECLARING = (approval, business_day, idempotency, inbox, jobs, lease, outbox)
"""The modules that declare the tables of the spine: only what is imported can be compared."""
TEMPLATE = '''\
"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from carport.shared import db
from sqlalchemy import Text

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else 'pass'}


def downgrade() -> None:
    ${downgrades if downgrades else 'pass'}
'''


def upgrade(engine: sa.Engine, service: Service, revision: str = "head") -> None:
    """Bring the database of *service* to *revision* of its own tree, the spine to its head."""
    upgrade_spine(engine)
    _upgrade(engine, _tree(service), revision)


def upgrade_spine(engine: sa.Engine) -> None:
    """Bring the tables every service has to their head."""
    _upgrade(engine, _spine(), "head")


def _upgrade(engine: sa.Engine, tree: Config, revision: str) -> None:
    with engine.begin() as connection:
        if not _is_at(connection, tree, revision):
            tree.attributes["connection"] = connection
            command.upgrade(tree, revision)


def downgrade(engine: sa.Engine, service: Service, revision: str) -> None:
    """Take the service's own tree back to *revision*."""
    with engine.begin() as connection:
        tree = _tree(service)
        tree.attributes["connection"] = connection
        command.downgrade(tree, revision)


def revise(engine: sa.Engine, service: Service | None, message: str) -> None:
    """Write a new revision from what the metadata has and the database has not; for developers."""
    tree = _tree(service) if service else _spine()
    folder = Path(ScriptDirectory.from_config(tree).dir)
    template = folder / "script.py.mako"
    template.write_text(TEMPLATE, encoding="utf-8")
    try:
        with engine.begin() as connection:
            tree.attributes["connection"] = connection
            number = f"{len(heads(service, every=True)) + 1:04d}"
            command.revision(tree, message=message, autogenerate=True, rev_id=number)
    finally:
        template.unlink()


def heads(service: Service | None, *, every: bool = False) -> list[str]:
    """The heads of a tree (the spine's without *service*); with *every*, all its revisions."""
    script = ScriptDirectory.from_config(_tree(service) if service else _spine())
    if every:
        return [revision.revision for revision in script.walk_revisions()]
    return list(script.get_heads())


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


def _spine() -> Config:
    return _config(SPINE_TREE, SPINE, "spine_version")


def _tree(service: Service) -> Config:
    package, _, folder = service.migrations.rpartition(".")
    return _config(f"{package}:{folder}", service.metadata, f"{service.name}_version")


def _config(location: str, metadata: sa.MetaData, version_table: str) -> Config:
    config = Config()
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    config.attributes.update(metadata=metadata, version_table=version_table)
    return config


def _is_at(connection: sa.Connection, tree: Config, revision: str) -> bool:
    options = {"version_table": tree.attributes["version_table"]}
    now = MigrationContext.configure(connection, opts=options).get_current_heads()
    wanted = ScriptDirectory.from_config(tree).get_heads() if revision == "head" else [revision]
    return sorted(now) == sorted(wanted)


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
