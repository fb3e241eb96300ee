"""What this installation has chosen: its lender's terms and its providers."""

from __future__ import annotations

import sqlalchemy as sa

from carport.payments.providers.processor import Processor
from carport.payments.providers.sandbox_processor import SandboxProcessor
from carport.shared import db
from carport.shared.lender import Lender, load


def lender(tx: sa.Connection) -> Lender:
    """The lender's cut-off, time zone and card acceptance."""
    return load(db.settings(tx).lender_file)


def processor(tx: sa.Connection) -> Processor | None:
    """The card processor; None where no live one is configured."""
    return SandboxProcessor(tx.engine) if db.settings(tx).is_sandbox else None
