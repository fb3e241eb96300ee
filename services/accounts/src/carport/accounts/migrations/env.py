"""Alembic's entry to the tree of accounts."""

from __future__ import annotations

from carport.shared.migrate import run

run()
