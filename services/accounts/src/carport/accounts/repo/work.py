"""Things a person has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.tables import work_item
from carport.shared.db import insert_if_absent
from carport.shared.kernel.ids import new_id


def add(tx: sa.Connection, kind: str, subject: str, detail: dict[str, Any], now: datetime) -> bool:
    """Ask for attention, once for each *kind* and *subject*; False when it was asked before."""
    values = {"kind": kind, "subject": subject, "detail": detail, "created_at": now}
    return insert_if_absent(tx, work_item, id=new_id(now), **values)


def known(tx: sa.Connection, kind: str, subjects: Sequence[str]) -> set[str]:
    """For which of *subjects* attention was asked for, whatever became of it."""
    query = sa.select(work_item.c.subject).where(
        work_item.c.kind == kind, work_item.c.subject.in_(subjects)
    )
    return set(tx.execute(query).scalars())
