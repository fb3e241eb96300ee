"""The worker role as a process of its own: the loops of one service, fed by RabbitMQ.

Any number of them may run beside each other: they compete for messages, one holds the relay, one
the jobs. Nothing it needs has to be there when it starts; what goes away is waited for.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from carport.shared import health, inbox, metrics, telemetry, wakeup
from carport.shared.amqp.consumer import Consumer
from carport.shared.amqp.publisher import AmqpBus
from carport.shared.db import Runtime
from carport.shared.errors import Unsettled
from carport.shared.worker import POLL_S, Worker

SWITCH_S = 0.0005
"""How long a thread that computes may keep the others waiting: an event goes through four."""
STOP_S_MAX = 8.0
"""Orchestrators kill after ten seconds."""
log = telemetry.logger("carport.process")


def run(runtime: Runtime) -> int:
    """Work until SIGTERM or SIGINT; then finish what was begun. 2 without CARPORT_BUS_URL.

    What is there by then stays: to search it for garbage took an eighth of the time of postings.
    """
    url, stopping = runtime.settings.bus_url, threading.Event()
    if not url:
        sys.stderr.write("A worker needs CARPORT_BUS_URL, the address of RabbitMQ.\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    sys.setswitchinterval(SWITCH_S)
    telemetry.trace(runtime.service.name, postgresql=True)
    wake = runtime.wake = wakeup.connect(runtime.engine)
    bus, consumer = AmqpBus(url, runtime.service.publishes), Consumer(runtime, url)
    tell(runtime, bus, consumer)
    worker = Worker(runtime, bus)
    if wait_for_database(runtime, stopping.wait):
        wake.listen()
        worker.start()
        consumer.start()
        gc.freeze()
        log.info("worker started")
        stopping.wait()
        consumer.stop(STOP_S_MAX / 2)
        worker.stop(STOP_S_MAX / 2)
    bus.close()
    wake.close()
    runtime.engine.dispose()
    log.info("worker stopped")
    return 0


def tell(runtime: Runtime, bus: AmqpBus, consumer: Consumer) -> None:
    """Serve this worker's metrics and readiness on the port after CARPORT_PORT."""
    unit, settings = runtime.service.name, runtime.settings

    def look() -> dict[str, bool]:
        return {**health.of_database(runtime, needs_day=False), "broker": consumer.is_connected}

    parts, gauges = metrics.Parts({unit: look}), health.Gauges([runtime])
    metrics.serve(settings.host, settings.port + 1, parts, gauges)
    metrics.connected(unit, "consumer", lambda: consumer.is_connected)
    metrics.connected(unit, "publisher", lambda: bus.is_connected)


def wait_for_database(runtime: Runtime, pause: Callable[[float], bool]) -> bool:
    """Wait until the inbox can be read, and adopt what an older release had no handler for; False
    when told to stop meanwhile."""
    while True:
        try:
            with runtime.transaction() as tx:
                inbox.adopt(tx, list(runtime.service.handlers), runtime.clock())
            return True
        except (SQLAlchemyError, Unsettled) as error:
            log.warning("database away or not migrated", error=type(error).__name__)
        if pause(POLL_S):
            return False
