"""What accounts is made of: the only place where its parts come together."""

from __future__ import annotations

from carport.accounts.api import BLUEPRINTS
from carport.accounts.api.boarding import board_file
from carport.accounts.events import PUBLISHES
from carport.accounts.handlers import HANDLERS
from carport.accounts.jobs import JOBS
from carport.accounts.queries.progress import gauges
from carport.accounts.queries.verify import verify
from carport.accounts.tables import metadata
from carport.shared.service import Service

SERVICE = Service(
    name="accounts",
    metadata=metadata,
    migrations="carport.accounts.migrations",
    blueprints=BLUEPRINTS,
    handlers=HANDLERS,
    publishes=PUBLISHES,
    jobs=JOBS,
    commands={"board": board_file},
    verify=verify,
    gauges=gauges,
)
