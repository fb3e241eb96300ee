"""The portal in front of a fake gateway, and somebody who has signed in."""

from __future__ import annotations

import pytest
from carport.portal.api import ApiClient
from carport.portal.app import create_app
from carport.shared.config import Settings
from fake_gateway import FakeGateway
from jinja2 import FileSystemBytecodeCache
from portal_browser import HTTPS, Browser


@pytest.fixture
def fake():
    return FakeGateway()


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    """Templates are compiled once for all the portals that tests make."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def portal(tmp_path, fake, templates):
    """Make a portal: ``portal(url, env)``; all in one test share the sessions file."""
    made = []

    def make(url=HTTPS, env="production"):
        settings = Settings(
            service="portal", database_url="", env=env, home=tmp_path, public_base_url=url
        )
        app = create_app(settings, ApiClient(url, wsgi_app=fake.app))
        app.jinja_env.bytecode_cache = templates
        made.append(app.extensions["portal"])
        return app

    yield make
    for parts in made:
        parts.store.close()
        parts.api.close()


@pytest.fixture
def browser(portal):
    return Browser(portal())


@pytest.fixture
def customer(browser):
    """A browser that has signed in."""
    assert browser.log_in().status_code == 303
    return browser
