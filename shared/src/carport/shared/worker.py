"""The worker role: relay, inbox retries, effects and jobs of one service, each a loop in a thread.

Loops are woken by commits of this process and look by themselves once a second. ``drain`` runs the
same steps in the calling thread until nothing is left to do, which is how tests wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from carport.shared import delivery, effects, jobs, lease, metrics, outbox, retry, telemetry
from carport.shared.bus import Bus, BusAway, LocalBus, Message
from carport.shared.db import Runtime
from carport.shared.errors import Unsettled
from carport.shared.kernel.ids import new_id
from carport.shared.service import Service

POLL_S = 1.0
MANY, LINGER_S, LINGERING_S = 3, 0.01, 0.1
"""After a step that did so many things at once a loop looks again unasked, this often and this
long: processes that commit a lot wake others less often."""
DRAIN_PASSES_MAX = 10_000
log = telemetry.logger("carport.worker")
Step = Callable[[], int]


class Worker:
    """The loops of one service. With *alone*, leases left by a killed process are taken over at
    once: for the process that is the only one on its database file."""

    def __init__(self, runtime: Runtime, bus: Bus, *, alone: bool = False) -> None:
        self.runtime = runtime
        self.token = new_id(runtime.clock())
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._alone = alone
        self.steps: dict[str, Step] = {
            "relay": lambda: outbox.relay_once(runtime, bus, self.token),
            "inbox": lambda: delivery.retry_once(runtime),
            "effects": lambda: effects.run_once(runtime),
            "jobs": lambda: jobs.run_once(runtime, self.token),
        }

    def start(self) -> None:
        """Start the loops that this service needs."""
        self.take_over()
        begin_counting(self.runtime.service)
        self.runtime.wake.all()
        for name in self.needed():
            thread = threading.Thread(
                target=self._loop, args=(name,), name=f"{self.runtime.service.name}-{name}"
            )
            thread.daemon = True
            thread.start()
            self._threads.append(thread)

    def take_over(self) -> None:
        """With *alone*, seize the leases."""
        if self._alone:
            with self.runtime.transaction() as tx:
                for name in (outbox.RELAY, jobs.RUNNER):
                    lease.seize(tx, name, self.token, self.runtime.clock())

    def needed(self) -> list[str]:
        """The loops this service has work for."""
        service = self.runtime.service
        has_work = {"relay": service.publishes, "inbox": service.handlers,
                    "effects": service.effects, "jobs": service.jobs}  # fmt: skip
        return [name for name in self.steps if has_work[name]]

    def stop(self, timeout_s: float = 5.0) -> None:
        """Let each loop finish what it has begun, and give back the leases, so that another worker
        takes over at once; loops still busy after *timeout_s* are left."""
        self._stopping.set()
        self.runtime.wake.all()
        deadline = monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        with suppress(SQLAlchemyError, Unsettled), self.runtime.transaction() as tx:
            lease.release(tx, self.token)

    def _loop(self, name: str) -> None:
        signal, lingers_until = self.runtime.wake.loops[name], 0.0
        telemetry.bind(unit=self.runtime.service.name)
        while not self._stopping.is_set():
            signal.clear()
            done = self._step(name)
            if done >= MANY:
                lingers_until = monotonic() + LINGERING_S
            if not done:
                signal.wait(LINGER_S if monotonic() < lingers_until else POLL_S)

    def _step(self, name: str) -> int:
        try:
            return self.steps[name]()
        except BusAway as error:
            log.error("broker away", loop=name, error=str(error))
        except Exception as error:  # the next pass tries again
            if retry.is_away(error):
                log.error("database away", loop=name, error=type(error).__name__)
            else:
                log.exception("loop failed", loop=name)
        self._stopping.wait(POLL_S)
        return 0


def begin_counting(service: Service) -> None:
    """Have the counters that alerts watch begin at 0: an increase to 1 from nothing is none."""
    for outcome in ("confirmed", "returned", "nacked", "unconfirmed"):
        metrics.count("carport_relay_messages_total", service.name, outcome, by=0)
    for kind in service.effects:
        metrics.count("carport_effects_total", service.name, kind, "failed", by=0)
    for job in service.jobs:
        metrics.count("carport_job_chunks_total", service.name, job, "failed", by=0)


def subscribe(bus: LocalBus, runtime: Runtime) -> None:
    """Deliver every type the service handles to its inbox."""

    def deliver(message: Message) -> None:
        delivery.deliver(runtime, message)

    bus.subscribe(runtime.service.handlers, deliver)


def drain(runtimes: Sequence[Runtime], bus: Bus) -> None:
    """Run relays, due retries, effects and jobs of *runtimes* until all is quiet."""
    workers = [Worker(runtime, bus, alone=True) for runtime in runtimes]
    for worker in workers:
        worker.take_over()
    for _ in range(DRAIN_PASSES_MAX):
        if not sum(_pass(worker) for worker in workers):
            return
    raise RuntimeError(f"still busy after {DRAIN_PASSES_MAX} passes")


def _pass(worker: Worker) -> int:
    done = sum(worker.steps[name]() for name in worker.needed())
    return done + delivery.retry_once(worker.runtime, waiting=True)
