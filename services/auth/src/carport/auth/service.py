"""The assembly of the auth service."""

from __future__ import annotations

from carport.auth.api import BLUEPRINTS, ERRORS
from carport.auth.api.cli import staff_role
from carport.auth.events import PUBLISHES
from carport.auth.handlers import HANDLERS
from carport.auth.jobs import JOBS
from carport.auth.queries import verify
from carport.auth.tables import metadata
from carport.shared.service import Service

SERVICE = Service(
    name="auth",
    metadata=metadata,
    migrations="carport.auth.migrations",
    blueprints=BLUEPRINTS,
    errors=ERRORS,
    handlers=HANDLERS,
    publishes=PUBLISHES,
    jobs=JOBS,
    commands={"staff": staff_role},
    verify=verify,
)
