"""Alembic's entry to this service's tree."""

from __future__ import annotations

from carport.shared.migrate import run

run()
