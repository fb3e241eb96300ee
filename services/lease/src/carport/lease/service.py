"""The lease service, assembled."""

from __future__ import annotations

from carport.lease.api import blueprint
from carport.lease.events import PUBLISHES
from carport.lease.handlers import HANDLERS
from carport.lease.jobs import JOBS
from carport.lease.queries import verify
from carport.lease.tables import metadata
from carport.shared.service import Service

SERVICE = Service(
    name="lease",
    metadata=metadata,
    migrations="carport.lease.migrations",
    blueprints=[blueprint()],
    handlers=HANDLERS,
    publishes=PUBLISHES,
    jobs=JOBS,
    verify=verify,
)
