"""Alembic's entry to the tree of auth."""

from __future__ import annotations

from carport.shared.migrate import run

run()
