"""What holds in every service's own database: outbox, inbox, keys, schema."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from carport.shared import migrate
from carport.shared.checks import Check, stream
from carport.shared.db import is_append_only
from carport.shared.idempotency import idempotency_key
from carport.shared.inbox import OPEN, inbox
from carport.shared.outbox import outbox
from carport.shared.service import Service

UNFINISHED_MAX = timedelta(hours=1)
CHANGES = ("update", "delete", "truncate")
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
POSTGRESQL_TRIGGERS = (
    "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND NOT tgisinternal"
)
GRANTS = """
SELECT c.relname, coalesce(r.rolname, 'PUBLIC') AS grantee, a.privilege_type
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
AND c.relname = ANY(:tables) AND a.grantee <> c.relowner
AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
ORDER BY 1, 2, 3
"""


def unsent(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Events that have waited for the relay too long."""
    query = sa.select(outbox).where(outbox.c.sent_at.is_(None), outbox.c.created_at < before)
    for row in stream(tx, query.order_by(outbox.c.seq)):
        since = row.created_at.isoformat()
        yield f"event {row.event_id} ({row.type}) has been waiting to be sent since {since}"


def parked(tx: sa.Connection, _before: datetime) -> Iterator[str]:
    """Events that were given up on."""
    query = sa.select(inbox).where(OPEN, inbox.c.state == "parked")
    for row in stream(tx, query.order_by(inbox.c.received_at)):
        yield f"event {row.event_id} ({row.type}) is parked: {row.error}"


def unfinished(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Events that have been retried, or have waited for another, for too long."""
    late = sa.and_(inbox.c.state.in_(("retry", "waiting")),
                   inbox.c.received_at < before - UNFINISHED_MAX)  # fmt: skip
    for row in stream(tx, sa.select(inbox).where(OPEN, late).order_by(inbox.c.received_at)):
        since = row.received_at.isoformat()
        yield f"event {row.event_id} ({row.type}) is not done since {since}: {row.error}"


def unanswered(tx: sa.Connection, before: datetime) -> Iterator[str]:
    """Idempotency keys that were claimed and never answered: a repeat would wait for ever."""
    query = sa.select(idempotency_key.c.client, idempotency_key.c.operation).where(
        idempotency_key.c.status.is_(None), idempotency_key.c.created_at < before
    )
    for row in stream(tx, query):
        yield f"a key of {row.client} for {row.operation} has no answer"


def changeable(tx: sa.Connection, tables: list[str]) -> Iterator[str]:
    """Those of *tables* whose triggers are gone, or that somebody may change but for them."""
    is_postgresql = tx.dialect.name == "postgresql"
    query = POSTGRESQL_TRIGGERS if is_postgresql else TRIGGERS
    guarded = set(tx.execute(sa.text(query)).scalars())
    for table in tables:
        for change in CHANGES[: 2 + is_postgresql]:
            if f"{table}_refuse_{change}" not in guarded:
                yield f"no trigger refuses to {change} rows of {table}"
    if is_postgresql:
        for row in tx.execute(sa.text(GRANTS), {"tables": tables}):
            yield f"the role {row.grantee} may {row.privilege_type} {row.relname}"


def growing(service: Service) -> Iterator[Check]:
    """The check of the tables that only grow, where the service has some."""
    tables = [t.name for t in service.metadata.sorted_tables if is_append_only(t)]

    def find_changeable(tx: sa.Connection, _before: datetime) -> Iterator[str]:
        return changeable(tx, tables)

    if tables:
        yield Check("I-05", f"Rows of {', '.join(tables)} are never changed: triggers refuse it, "
                    "and no role but the owner may.", "Run `migrate` with the release that is "
                    "deployed, then find out who changed the schema or the grants.",
                    find_changeable)  # fmt: skip


def checks(service: Service) -> tuple[Check, ...]:
    """The checks of the database of *service*."""

    def unlike_schema(tx: sa.Connection, _before: datetime) -> Iterator[str]:
        for change in migrate.difference(tx, service):
            what = change if isinstance(change, tuple) else change[0]
            yield f"the schema differs: {what[0]} {getattr(what[-1], 'name', what[-1])}"

    return (
        *growing(service),
        Check("I-26", "Every event is sent within a minute.", "See that the worker of this service "
              "runs and reaches the broker (its log says `broker away`); nothing is lost.", unsent),
        Check("I-30", "No event is parked.", "`carport events show ID` has the reason. Mend it, "
              "then `carport events replay ID`.", parked),
        Check("I-32", "No event is retried or waits for longer than an hour.", "`carport events "
              "show ID` has the reason: the worker does not run, or what it waits for is missing.",
              unfinished),
        Check("I-16", "Every idempotency key has its answer.", "Key and answer commit together: "
              "somebody wrote to the table. Delete the row, so that the client can repeat.",
              unanswered),
        Check("I-14", "The schema, unique keys included, is that of this release.", "Run "
              "`migrate`; a key that is missing has to be added by hand.", unlike_schema),
    )  # fmt: skip
