"""What this installation has chosen: its lender's terms and its providers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import sqlalchemy as sa

from carport.payments.providers.processor import Processor
from carport.payments.providers.sandbox_processor import SandboxProcessor
from carport.shared import db
from carport.shared.business_day import BusinessDay
from carport.shared.lender import Lender, load


def lender(tx: sa.Connection) -> Lender:
    """The lender's cut-off, time zone and card acceptance."""
    return load(db.settings(tx).lender_file)


def standing(tx: sa.Connection, day: BusinessDay, now: datetime) -> BusinessDay:
    """*day* at the lender's local time: as set in the sandbox, by the clock in production.

    After midnight a day that has not been closed yet is past its cut-off.
    """
    if db.settings(tx).is_sandbox:
        return day
    local = now.astimezone(lender(tx).zone)
    return replace(day, local_time=local.time() if local.date() <= day.date else time.max)


def processor(tx: sa.Connection) -> Processor | None:
    """The card processor; None where no live one is configured."""
    return SandboxProcessor(tx.engine) if db.settings(tx).is_sandbox else None
