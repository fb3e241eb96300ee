"""The portal's Flask application: assembled here, opened nowhere else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.routing import BaseConverter

from carport.portal import assets, failures, formats, observed, pages, security, standing
from carport.portal.api import ApiClient
from carport.portal.assets import Assets
from carport.portal.browser import Cookies
from carport.portal.recent import Recent
from carport.portal.sessions import SessionStore
from carport.portal.sessions.file import FileStore
from carport.portal.views import SANDBOX_VIEWS, VIEWS
from carport.shared import valkey
from carport.shared.config import Settings

LENDER_S = 60.0
UNREAD_S = 20.0


@dataclass(frozen=True)
class Parts:
    """What the views work with."""

    settings: Settings
    api: ApiClient
    store: SessionStore
    cookies: Cookies
    assets: Assets
    lender: Recent[dict[str, Any]] = field(default_factory=lambda: Recent(LENDER_S))
    unread: Recent[int] = field(default_factory=lambda: Recent(UNREAD_S))


class IdConverter(BaseConverter):
    """Ids in paths are lower-case UUIDv7; anything else is no page."""

    regex = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def store_of(settings: Settings) -> SessionStore:
    """Where this portal's sessions are kept."""
    if not valkey.is_address(settings.sessions):
        return FileStore(settings.home / "portal" / "sessions.db", now=time.time)
    from carport.portal.sessions.valkey import ValkeyStore

    return ValkeyStore(valkey.client(settings.sessions), now=time.time)


def create_app(settings: Settings, api_client: ApiClient) -> Flask:
    """The portal in front of the gateway that *api_client* speaks to.

    Browser sessions are kept in Valkey where there is one, else in ``<home>/portal/sessions.db``.
    """
    app = Flask("carport.portal", static_folder=None)
    app.extensions["portal"] = Parts(
        settings=settings,
        api=api_client,
        store=store_of(settings),
        cookies=Cookies.for_url(settings.public_base_url),
        assets=Assets.load(),
    )
    app.url_map.converters["id"] = IdConverter
    app.url_map.strict_slashes = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.globals.update(standing=standing.of, day_of=formats.day_of)
    observed.install(app)
    security.install(app, public_base_url=settings.public_base_url)
    failures.install(app)
    pages.install(app)
    for blueprint in (assets.blueprint, *VIEWS, *(SANDBOX_VIEWS if settings.is_sandbox else ())):
        app.register_blueprint(blueprint)
    return app
