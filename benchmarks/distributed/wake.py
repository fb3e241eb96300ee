"""Goal 2: from commit to handled through outbox, wake-up, relay and inbox, against committing and
then publishing directly, which loses events. Goal 3: what the wake-up costs those who commit."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from carport.shared import outbox, wakeup
from carport.shared.bus import Message
from carport.shared.db import Runtime

from benchmarks.distributed import rig
from benchmarks.distributed.relay import SyncBus

RATE_PER_S = 50
EVENTS = 150
CLIENTS = 8
SECONDS = 1.5
WORKER = "benchmarks.distributed.worker"


def worker(url: str, vhost: str, out: Path) -> subprocess.Popen[bytes]:
    """The worker role of the plain service, which notes when each event was handled."""
    env = {**os.environ, "BENCH_DATABASE": url, "BENCH_AMQP": vhost, "BENCH_OUT": str(out)}
    process = subprocess.Popen([sys.executable, "-m", WORKER], env=env)
    while not out.exists():
        time.sleep(0.05)
    return process


def paced(say: Callable[[], tuple[str, float]]) -> dict[str, float]:
    """Say events at the rate; when each was committed, by its id."""
    said, due = {}, time.monotonic()
    for _ in range(EVENTS):
        due += 1 / RATE_PER_S
        time.sleep(max(0.0, due - time.monotonic()))
        id_, at = say()
        said[id_] = at
    return said


def latencies(said: dict[str, float], out: Path) -> list[float]:
    """Milliseconds from commit to handled."""
    deadline = time.monotonic() + 20
    while True:
        rows = (row.split() for row in out.read_text().splitlines())
        handled = {row[0]: float(row[1]) for row in rows if len(row) == 2}
        if said.keys() <= handled.keys():
            return [(handled[id_] - at) * 1000 for id_, at in said.items()]
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(said.keys() - handled.keys())} events were not handled")
        time.sleep(0.1)


def through_outbox(runtime: Runtime) -> tuple[str, float]:
    """Commit an event; the worker's relay is woken."""
    (event,) = rig.make_events(1)
    with runtime.transaction() as tx:
        tx.execute(rig.journal.insert().values(id=f"b-{event.id}", contract_id="x",
                                               booked_at=datetime.now(UTC)))  # fmt: skip
        outbox.add(tx, event)
    return event.id, time.monotonic()


def directly(runtime: Runtime, bus: SyncBus) -> tuple[str, float]:
    """Commit, then publish and wait for the confirm: what is between the two can be lost."""
    (event,) = rig.make_events(1)
    with runtime.transaction() as tx:
        tx.execute(rig.journal.insert().values(id=f"b-{event.id}", contract_id="x",
                                               booked_at=datetime.now(UTC)))  # fmt: skip
    committed_at = time.monotonic()
    bus.publish([Message(event.id, event.type, event.to_json(), False)])
    return event.id, committed_at


def measure_latency() -> None:
    """Print goal 2."""
    with rig.database() as url, rig.virtual_host() as vhost, TemporaryDirectory() as folder:
        out = Path(folder) / "handled"
        process = worker(url, vhost, out)
        runtime = rig.runtime(url)
        runtime.wake = wakeup.connect(runtime.engine)
        ours: list[list[float]] = []
        direct: list[list[float]] = []
        bus = SyncBus(vhost)
        for _ in range(rig.ROUNDS):
            ours.append(latencies(paced(partial(through_outbox, runtime)), out))
            direct.append(latencies(paced(partial(directly, runtime, bus)), out))
        process.terminate()
        process.wait()
        runtime.wake.close()
        runtime.engine.dispose()

    def typical(rounds: list[list[float]], part: float) -> float:
        return statistics.median(rig.quantile(each, part) for each in rounds)

    (p50, p99), (d50, d99) = ((typical(r, 0.5), typical(r, 0.99)) for r in (ours, direct))
    rig.line(
        "2 wake-up",
        "p50 <= 1.3x, p99 <= 1.5x of a direct publish",
        f"{p50 / d50:.2f}x; {p99 / d99:.2f}x",
        f"p50/p99 {p50:.1f}/{p99:.1f} ms, direct {d50:.1f}/{d99:.1f} ms at {RATE_PER_S}/s",
    )


def client(url: str, how: str, together: Barrier, rates: multiprocessing.Queue[float]) -> None:
    """One of several that commit as fast as they can."""
    runtime = rig.runtime(url)
    if how == "woken":
        runtime.wake = wakeup.connect(runtime.engine)
    given = rig.make_events(20_000)
    with runtime.transaction():
        pass
    together.wait()
    begun, done = time.monotonic(), 0
    while time.monotonic() - begun < SECONDS:
        with runtime.transaction() as tx:
            outbox.add(tx, given[done])
            if how == "inside":
                tx.execute(sa.text("SELECT pg_notify('carport_wake', 'relay')"))
        done += 1
    rates.put(done / (time.monotonic() - begun))


def committed(url: str, how: str) -> float:
    """Transactions a second of all clients."""
    fork = multiprocessing.get_context("spawn")
    together, rates = fork.Barrier(CLIENTS), fork.Queue()
    processes = [fork.Process(target=client, args=(url, how, together, rates))
                 for _ in range(CLIENTS)]  # fmt: skip
    for process in processes:
        process.start()
    total = sum(rates.get() for _ in processes)
    for process in processes:
        process.join()
    return total


def measure_cost() -> None:
    """Print goal 3."""
    with rig.database() as url:
        listener = rig.runtime(url)
        listener.wake = wakeup.connect(listener.engine)
        listener.wake.listen()
        found = rig.interleaved(
            silent=lambda: committed(url, "silent"),
            woken=lambda: committed(url, "woken"),
            inside=lambda: committed(url, "inside"),
        )
        listener.wake.close()
        listener.engine.dispose()
    rig.line(
        "3 cost of waking",
        ">= 0.85 of no wake-up, 8 clients",
        f"{found['woken'] / found['silent']:.2f}",
        f"{found['woken']:.0f} tx/s, without {found['silent']:.0f}, "
        f"NOTIFY inside {found['inside'] / found['silent']:.2f}",
    )


if __name__ == "__main__":
    measure_latency()
    measure_cost()
