"""Goal 4: what a worker process consumes with a handler that does nothing, inbox on, against a bare
kombu consumer and against task frameworks, which have no inbox."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from carport.shared import delivery
from carport.shared.amqp import consumer, topology
from carport.shared.amqp.publisher import AmqpBus
from carport.shared.bus import Message
from carport.shared.db import Runtime
from carport.shared.events import Event
from kombu import entity, messaging
from kombu.connection import Connection

from benchmarks.distributed import rig

MESSAGES = 10_000
PEER_MESSAGES = 3_000
PEERS = {
    "celery": (["celery"], 3.5),
    "dramatiq": (["dramatiq[rabbitmq]"], 2.0),
    "faststream": (["faststream[rabbit]"], 1.3),
    "nameko": (["nameko", "setuptools<80"], 1.2),
}


def fill(vhost: str) -> None:
    """Put the messages into the queue of accounts, and nothing into the others."""
    messages = rig.messages(MESSAGES)
    bus = AmqpBus(vhost, [rig.TYPE])
    for start in range(0, MESSAGES, 500):
        assert len(bus.publish(messages[start : start + 500])) == 500
    bus.close()


def bare(vhost: str) -> float:
    """Messages a second: kombu, the same prefetch and acknowledgements, nothing else."""
    fill(vhost)
    got: list[object] = []

    def take(message: object) -> None:
        got.append(message)
        if len(got) % consumer.BATCH == 0:
            message.ack(multiple=True)

    with Connection(vhost) as connection:
        channel = connection.channel()
        queue = entity.Queue(topology.queue_of("accounts"), no_declare=True)
        taking = messaging.Consumer(
            channel, [queue], on_message=take, prefetch_count=consumer.PREFETCH
        )
        begun = time.perf_counter()
        taking.consume()
        while len(got) < MESSAGES:
            connection.drain_events(timeout=5)
        return MESSAGES / (time.perf_counter() - begun)


def ours(runtime: Runtime, vhost: str, deliver: Callable[..., None]) -> float:
    """Messages a second through the consumer of the worker role."""
    fill(vhost)
    seen = 0

    def counted(given: Runtime, messages: list[Message], committed: delivery.Told) -> None:
        nonlocal seen
        deliver(given, messages, committed)
        seen += len(messages)

    with mock.patch.object(delivery, "deliver_many", counted), Connection(vhost) as connection:
        begun = time.perf_counter()
        session = consumer.Session(runtime, connection.connect(), consumer.PREFETCH)
        while seen < MESSAGES:
            session.turn()
        return MESSAGES / (time.perf_counter() - begun)


def parsed(_runtime: Runtime, messages: list[Message], committed: delivery.Told) -> None:
    """The stack without its inbox: what the frameworks do."""
    for message in messages:
        Event.from_json(message.body)
    committed(len(messages))


def measure() -> None:
    """Print goal 4."""
    with rig.database() as url, rig.virtual_host() as vhost:
        runtime = rig.runtime(url)

        real = delivery.deliver_many
        found = rig.interleaved(
            bare=lambda: bare(vhost),
            inbox=lambda: (rig.clean(runtime), ours(runtime, vhost, real))[1],
            stack=lambda: ours(runtime, vhost, parsed),
        )
        runtime.engine.dispose()
    rig.line(
        "4 consume",
        ">= 0.60 of bare kombu",
        f"{found['stack'] / found['bare']:.2f} without inbox, "
        f"{found['inbox'] / found['bare']:.2f} with",
        ", ".join(f"{name} {value:.0f}/s" for name, value in found.items()),
    )


def measure_peers() -> None:
    """Print the second half of goal 4; installs the frameworks into environments of their own."""
    with (
        rig.database() as url,
        rig.virtual_host() as vhost,
        tempfile.TemporaryDirectory() as folder,
    ):
        runtime = rig.runtime(url)
        real, sides = delivery.deliver_many, {}
        for name, (packages, _) in PEERS.items():
            sides[name] = peer(name, packages, Path(folder), vhost)
        found = rig.interleaved(
            inbox=lambda: (rig.clean(runtime), ours(runtime, vhost, real))[1],
            stack=lambda: ours(runtime, vhost, parsed),
            **sides,
        )
        runtime.engine.dispose()
    for name, (_, wanted) in PEERS.items():
        rig.line(
            f"4 against {name}",
            f">= {wanted}x (stretch: with inbox)",
            f"{found['stack'] / found[name]:.1f}x without inbox, "
            f"{found['inbox'] / found[name]:.1f}x with",
            f"{name} {found[name]:.0f}/s",
        )


def peer(name: str, packages: list[str], folder: Path, vhost: str) -> Callable[[], float]:
    """How to measure a framework: its script prints messages a second."""
    python = folder / name / "bin" / "python"
    rig.run(sys.executable, "-m", "venv", "--without-pip", str(folder / name))
    rig.run(sys.executable, "-m", "pip", "--python", str(python), "install", "-q", *packages)
    script = Path(__file__).parent / "peers" / f"{name}_peer.py"

    def measured() -> float:
        done = subprocess.run(
            [python, script, vhost, str(PEER_MESSAGES)], check=True, capture_output=True, text=True
        )
        return float(json.loads(done.stdout.splitlines()[-1]))

    return measured


if __name__ == "__main__":
    measure()
    measure_peers()
