"""The notifications service, assembled."""

from __future__ import annotations

from carport.notifications.api import ERRORS, blueprints
from carport.notifications.api.stream import stream_role
from carport.notifications.effects import EFFECTS
from carport.notifications.handlers import HANDLERS
from carport.notifications.tables import metadata
from carport.shared.service import Service

SERVICE = Service(
    name="notifications",
    metadata=metadata,
    migrations="carport.notifications.migrations",
    blueprints=blueprints(),
    errors=ERRORS,
    handlers=HANDLERS,
    effects=EFFECTS,
    commands={"stream": stream_role},
)
