"""Goal 1: the relay with every message confirmed, against publishing alone and against waiting for
each confirm."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pika
import sqlalchemy as sa
from carport.shared import outbox
from carport.shared.amqp import topology
from carport.shared.amqp.publisher import AmqpBus, properties
from carport.shared.bus import Message
from carport.shared.db import Runtime

from benchmarks.distributed import rig

ROWS = 10_000
ROWS_SYNC = 1_000
WINDOW = 1_000
TOKEN = "bench"


class SyncBus:
    """The obvious relay: wait for each confirm."""

    handles_here = False

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()

    def publish(self, messages: Sequence[Message]) -> set[str]:
        for message in messages:
            self._channel.basic_publish(
                topology.EXCHANGE, message.type, message.body.encode(), properties(message),
                mandatory=True,
            )  # fmt: skip
        return {message.id for message in messages}

    def close(self) -> None:
        self._connection.close()


def relayed(runtime: Runtime, bus: AmqpBus | SyncBus, rows: int) -> float:
    """Rows a second from the outbox to marked as sent."""
    with runtime.transaction() as tx:
        tx.execute(sa.text("TRUNCATE outbox"))
        outbox.add(tx, *rig.make_events(rows))
    with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE outbox"))
    begun, done = time.perf_counter(), 0
    while done < rows:
        done += outbox.relay_once(runtime, bus, TOKEN)
    return rows / (time.perf_counter() - begun)


def pipelined(url: str, rows: int) -> float:
    """Bare pika: publish all, at most a window unconfirmed."""
    bodies = [event.to_json().encode() for event in rig.make_events(rows)]
    message = properties(Message("x", rig.TYPE, "", False))
    state = {"sent": 0, "confirmed": 0, "begun": 0.0, "taken": 0.0}

    def opened(connection: pika.SelectConnection) -> None:
        connection.channel(on_open_callback=ready)

    def ready(channel: pika.channel.Channel) -> None:
        channel.confirm_delivery(lambda frame: confirmed(channel, frame.method))
        state["begun"] = time.perf_counter()
        send(channel)

    def send(channel: pika.channel.Channel) -> None:
        while state["sent"] < rows and state["sent"] - state["confirmed"] < WINDOW:
            body = bodies[int(state["sent"])]
            channel.basic_publish(topology.EXCHANGE, rig.TYPE, body, message, mandatory=True)
            state["sent"] += 1

    def confirmed(channel: pika.channel.Channel, answer: pika.spec.Basic.Ack) -> None:
        state["confirmed"] = answer.delivery_tag
        if state["confirmed"] >= rows:
            state["taken"] = time.perf_counter() - state["begun"]
            channel.connection.close()
        else:
            send(channel)

    connection = pika.SelectConnection(
        pika.URLParameters(url),
        on_open_callback=opened,
        on_close_callback=lambda connection, _error: connection.ioloop.stop(),
    )
    connection.ioloop.start()
    return rows / state["taken"]


def measure() -> None:
    """Print goal 1."""
    with rig.database() as url, rig.virtual_host() as vhost:
        runtime = rig.runtime(url)
        bus = AmqpBus(vhost, runtime.service.publishes)
        relayed(runtime, bus, 1)
        sync = SyncBus(vhost)
        found = rig.interleaved(
            bare=lambda: pipelined(vhost, ROWS),
            relay=lambda: relayed(runtime, bus, ROWS),
            waiting=lambda: relayed(runtime, sync, ROWS_SYNC),
        )
        bus.close()
        sync.close()
        runtime.engine.dispose()
    rig.line(
        "1 relay",
        ">= 0.75 of bare; >= 9x waiting for each",
        f"{found['relay'] / found['bare']:.2f}; {found['relay'] / found['waiting']:.1f}x",
        f"{found['relay']:.0f} rows/s, bare {found['bare']:.0f}, waiting {found['waiting']:.0f}",
    )


if __name__ == "__main__":
    measure()
