"""The credentials the demo loader has registered (sandbox only)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from carport.auth import tables


def entries(tx: sa.Connection) -> list[sa.Row[Any]]:
    """Every entry, in the order given."""
    return list(tx.execute(sa.select(tables.demo_credential).order_by("position")))


def replace(tx: sa.Connection, given: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Store these (kind, entry) pairs instead of what was there."""
    tx.execute(tables.demo_credential.delete())
    rows = [{"position": n, "kind": k, "entry": entry} for n, (k, entry) in enumerate(given)]
    if rows:
        tx.execute(tables.demo_credential.insert(), rows)
