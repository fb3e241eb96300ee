"""A real PostgreSQL: the one TEST_POSTGRES_URL names, else the one on the standard local port.

Where there is none these tests are skipped with the reason, but never in CI.
"""

from __future__ import annotations

import os
import uuid

import pytest
import sqlalchemy as sa

LOCAL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def server():
    """An engine of the server's own database, to make others with."""
    url = os.environ.get("TEST_POSTGRES_URL", LOCAL)
    engine = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3}
    )
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        reason = f"no PostgreSQL at {engine.url!r}: {error.orig}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield engine
    engine.dispose()


@pytest.fixture
def database_url(server):
    """A database for one test."""
    name = f"carport_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
