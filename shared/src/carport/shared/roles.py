"""Who may do what in a service's PostgreSQL database, said anew by each migration.

``carport_accounts_owner`` owns the schema and migrates; ``carport_accounts`` runs the service and
can neither change the schema nor rewrite what only grows; ``carport_accounts_reader`` looks. The
names follow from the owner's. Where somebody else migrates, a developer say, nothing is granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from carport.shared.db import is_append_only

OWNER_SUFFIX = "_owner"
READER_SUFFIX = "_reader"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
GROWING = "SELECT, INSERT"


def grant(connection: sa.Connection, tables: Iterable[sa.Table]) -> None:
    """Let the application and the reader into the present database, and nobody else.

    Tables that are not among *tables*, which say how far each migration is, are only read.
    """
    if connection.dialect.name != "postgresql":
        return
    database, owner = connection.execute(sa.text("SELECT current_database(), current_user")).one()
    if owner.endswith(OWNER_SUFFIX):
        name = owner.removesuffix(OWNER_SUFFIX)
        for statement in grants(tables, database, name, f"{name}{READER_SUFFIX}"):
            connection.exec_driver_sql(statement)


def grants(
    tables: Iterable[sa.Table], database: str, application: str, reader: str
) -> Iterator[str]:
    """The statements; each says the whole truth, so that a right once given can be taken away."""
    both = f'"{application}", "{reader}"'
    yield f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC'
    yield f'GRANT CONNECT ON DATABASE "{database}" TO {both}'
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {both}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {both}"
    yield f"GRANT USAGE ON SCHEMA public TO {both}"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {both}"
    yield f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{application}"'
    for table in tables:
        rights = GROWING if is_append_only(table) else EVERYTHING
        yield f'GRANT {rights} ON "{table.name}" TO "{application}"'
