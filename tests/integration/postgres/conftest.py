"""Databases of one test each, migrated once, to which it is connected as the application."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from carport.shared import testing
from support.orders import payments_on, with_two_accounts
from support.postgresql import Copies


@pytest.fixture(scope="session")
def copies(server):
    made = Copies(server.url.render_as_string(hide_password=False))
    yield made
    made.close()


@pytest.fixture
def settings_of(copies, tmp_path, monkeypatch):
    """The settings of a service on a database of its own."""
    monkeypatch.setattr(testing, "databases", copies)
    yield lambda name: testing.settings(name, tmp_path)
    copies.drop(tmp_path)


@pytest.fixture
def settings(settings_of):
    return settings_of("payments")


@pytest.fixture
def suite(settings):
    """Payments with two accounts of one customer."""
    made = with_two_accounts(payments_on(settings))
    yield made
    made.runtime.engine.dispose()


@pytest.fixture
def method(suite):
    return suite.bank_account()


@pytest.fixture
def admin(settings, copies):
    """The superuser's way into the database of the test."""
    database = sa.make_url(settings.database_url).database
    made = sa.create_engine(copies.server.admin.url.set(database=database))
    yield made
    made.dispose()
