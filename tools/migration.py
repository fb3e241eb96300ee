"""Writes the next revision of a service: what its tables have and its migrations have not.

``python tools/migration.py accounts "add a column"``; ``spine`` stands for what all services have.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from carport.shared import approval, idempotency, migrate, worker
from carport.shared.db import make_engine
from carport.shared.service import Service

ANY_SERVICE = "auth"
SPINE_OWNERS = (approval, idempotency, worker)  # importing them declares every table of the spine

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


def main(name: str, message: str) -> None:
    wanted = ANY_SERVICE if name == "spine" else name
    service = importlib.import_module(f"carport.{wanted}.service").SERVICE
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/schema.db")
        migrate.upgrade(engine, service)
        revise(engine, None if name == "spine" else service, message)
        engine.dispose()


def revise(engine: sa.Engine, service: Service | None, message: str) -> None:
    """Write a new revision from what the metadata has and the database has not."""
    tree = migrate.tree_of(service)
    template = Path(ScriptDirectory.from_config(tree).dir) / "script.py.mako"
    template.write_text(TEMPLATE, encoding="utf-8")
    try:
        with engine.begin() as connection:
            tree.attributes["connection"] = connection
            number = f"{len(migrate.revisions(service)) + 1:04d}"
            command.revision(tree, message=message, autogenerate=True, rev_id=number)
    finally:
        template.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
