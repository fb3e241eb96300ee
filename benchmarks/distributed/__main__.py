"""Every measurement in turn: ``python -m benchmarks.distributed [name …]``."""

from __future__ import annotations

import sys

from benchmarks.distributed import consume, handler, posting, relay, system, wake

MEASUREMENTS = {
    "relay": relay.measure,
    "latency": wake.measure_latency,
    "waking": wake.measure_cost,
    "consume": consume.measure,
    "peers": consume.measure_peers,
    "handler": handler.measure,
    "posting": posting.measure,
    "system": system.measure,
}


def main(names: list[str]) -> None:
    """Print the rows of the table."""
    print("| goal | wanted | found | in detail |\n|---|---|---|---|", flush=True)
    for name in names or MEASUREMENTS:
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
