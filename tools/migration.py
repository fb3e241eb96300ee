"""Writes the next revision of a service: what its tables have and its migrations have not.

``python tools/migration.py accounts "add a column"``; ``spine`` stands for what all services have.
"""

from __future__ import annotations

import importlib
import sys
import tempfile

from carport.shared import approval, idempotency, migrate, worker
from carport.shared.db import make_engine

ANY_SERVICE = "auth"
SPINE_OWNERS = (approval, idempotency, worker)  # importing them declares every table of the spine


def main(name: str, message: str) -> None:
    wanted = ANY_SERVICE if name == "spine" else name
    service = importlib.import_module(f"carport.{wanted}.service").SERVICE
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/schema.db")
        migrate.upgrade(engine, service)
        migrate.revise(engine, None if name == "spine" else service, message)
        engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
