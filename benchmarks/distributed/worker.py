"""The worker role of the plain service, in a process of its own: notes when events were handled."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from carport.shared import process
from carport.shared.events import Event

from benchmarks.distributed import rig


def main() -> int:
    """Run until SIGTERM."""
    with Path(os.environ["BENCH_OUT"]).open("a", buffering=1) as out:

        def note(_tx: sa.Connection, batch: Sequence[Event], _now: datetime) -> None:
            for event in batch:
                out.write(f"{event.id} {time.monotonic()}\n")

        runtime = rig.runtime(os.environ["BENCH_DATABASE"], note)
        runtime.settings = replace(runtime.settings, bus_url=os.environ["BENCH_AMQP"])
        return process.run(runtime)


if __name__ == "__main__":
    sys.exit(main())
