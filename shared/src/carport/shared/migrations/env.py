"""Alembic's entry to the spine's tree."""

from __future__ import annotations

from carport.shared.migrate import run

run()
