"""The consumer's side: one connection per worker process, messages pushed to it, handled in small
batches and acknowledged, several at once, after the commit.

A message stays unacknowledged only while the service's own database is away: then it is kept here
and tried again, with heartbeats, rather than sent round the broker until its deliveries run out.
One that comes again may be the one that killed the process: it is stored and acknowledged first.

After a silence it subscribes anew. When a quorum queue is declared again in the moment it is
deleted, RabbitMQ 3.10 keeps the subscription but hands over nothing: the messages count as
unacknowledged, for as long as the channel is open, and the consumer is told nothing.
"""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from time import monotonic
from typing import Any

from amqp.exceptions import AMQPError
from kombu.connection import Connection
from sqlalchemy.exc import ProgrammingError

from carport.shared import delivery, failpoints, retry, telemetry
from carport.shared.amqp import topology
from carport.shared.bus import Message
from carport.shared.db import Runtime
from carport.shared.errors import Unavailable

HEARTBEAT_S = 10
SOCKET_S_MAX = 5
GLANCE_S = 0.001
"""As long as a read waits that shall not wait. With 0 the driver turns in a circle, using a whole
core, when the rest of a frame does not come."""
BATCH = 50
PREFETCH = 2 * BATCH
POLL_S = 1.0
DECLARE_EVERY_S = 60.0
SILENCE_S_MAX = 10.0
BACKOFF_S_MIN, BACKOFF_S_MAX = 0.2, 5.0
NOT_LONG = -2
log = telemetry.logger("carport.consumer")


class Consumer:
    """Feeds the inbox of one service from its queue, in a thread of its own."""

    def __init__(self, runtime: Runtime, url: str) -> None:
        self._runtime = runtime
        self._url = url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="consumer", daemon=True)
        self._prefetch = PREFETCH
        self.is_connected = False

    def start(self) -> None:
        """Begin to consume; the broker need not be there yet."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Finish and acknowledge what is being handled; the rest goes back to the queue."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._consume()
            except (AMQPError, OSError) as error:
                failures = 0 if self.is_connected else failures + 1
                log.warning("broker away", error=f"{type(error).__name__}: {error}"[:200])
            except Unreadable as error:
                log.error("message cannot be read", error=repr(error.__cause__)[:200])
                self._prefetch, failures = 1, NOT_LONG
            except Exception:  # a defect must not end consumption for good
                failures += 1
                log.exception("consumer failed")
            self.is_connected = False
            longest = min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2 ** min(failures, 8))
            self._stopping.wait(random.uniform(longest / 2, longest))  # noqa: S311 - jitter

    def _consume(self) -> None:
        options = {"read_timeout": SOCKET_S_MAX, "write_timeout": SOCKET_S_MAX}
        with Connection(
            self._url,
            heartbeat=HEARTBEAT_S,
            connect_timeout=SOCKET_S_MAX,
            transport_options=options,
        ) as connection:
            driver = connection.connect()
            driver.sock.settimeout(SOCKET_S_MAX)
            try:
                self._serve(Session(self._runtime, driver, self._prefetch))
            except Exception:
                driver.collect()  # without a farewell, which may never be answered
                raise

    def _serve(self, session: Session) -> None:
        self.is_connected = True
        while not self._stopping.is_set():
            if not session.turn() and self._prefetch < PREFETCH:
                self._prefetch = PREFETCH
                break
        session.end()


class Unreadable(Exception):
    """The driver failed on a message before we saw it. Alone in a session it takes no other along
    when the broker counts its deliveries, of which it soon has had enough."""

    code = "unreadable"


class Session:
    """What lives as long as one connection: its channel, and the messages not acknowledged yet."""

    def __init__(self, runtime: Runtime, driver: Any, prefetch: int) -> None:
        self._runtime = runtime
        self._driver = driver
        self._prefetch = prefetch
        self._pending: list[Any] = []
        self._queue = topology.queue_of(runtime.service.name)
        self._tended_at = self._declared_at = monotonic()
        declare(driver, self._queue, runtime.service.handlers)
        self._subscribe()

    def turn(self) -> int:
        """Wait for messages, handle a batch of them, tend the connection; how many there were."""
        if len(self._pending) < BATCH:
            self._read(POLL_S if not self._pending else GLANCE_S)
        messages = self._pending[:BATCH]
        if messages:
            failpoints.hit("consumer.after_receive")
            self._handle(messages)
            self._heard_at = monotonic()
        self._tend()
        return len(messages)

    def end(self) -> None:
        """Ask for no more messages."""
        self._channel.basic_cancel(self._tag)

    def _subscribe(self) -> None:
        """By the channel: kombu's own consumer would first decompress what a header asks it to."""
        self._channel = self._driver.channel()
        self._channel.basic_qos(0, self._prefetch, False)
        self._tag = self._channel.basic_consume(self._queue, callback=self._pending.append)
        self._heard_at = monotonic()

    def _read(self, wait_s: float) -> None:
        """What has arrived; waits only while there is nothing."""
        with suppress(TimeoutError):
            while len(self._pending) < BATCH:
                self._drain(wait_s)
                wait_s = GLANCE_S

    def _drain(self, wait_s: float) -> None:
        try:
            self._driver.drain_events(timeout=wait_s)
        except (AMQPError, OSError):
            raise
        except Exception as error:
            raise Unreadable from error

    def _handle(self, messages: list[Any]) -> None:
        done: list[int] = []

        def committed(number: int) -> None:
            done.append(number)
            self._tend()

        try:
            told = [as_message(each) for each in messages]
            delivery.deliver_many(self._runtime, told, committed)
        except Exception as error:
            if not must_wait(error):
                raise
            log.error("database cannot take it", loop="consumer", error=type(error).__name__)
            self._hear(POLL_S)
        if safe := sum(done):
            self._channel.basic_ack(messages[safe - 1].delivery_tag, multiple=True)
            del self._pending[:safe]

    def _hear(self, wait_s: float) -> None:
        """One thing the broker says: a heartbeat is one."""
        with suppress(TimeoutError):
            self._drain(wait_s)

    def _tend(self) -> None:
        """Once a second hear and answer heartbeats, also between the messages of a batch; once a
        minute declare what somebody may have deleted; after a silence subscribe anew."""
        now = monotonic()
        if now - self._tended_at >= POLL_S:
            self._hear(GLANCE_S)
            self._driver.heartbeat_tick()
            self._tended_at = now
        if now - self._declared_at >= DECLARE_EVERY_S:
            declare(self._driver, self._queue, self._runtime.service.handlers)
            self._declared_at = now
        if now - self._heard_at >= SILENCE_S_MAX and not self._pending:
            self._channel.close()  # what comes meanwhile stays with the broker, and comes again
            self._subscribe()


def must_wait(error: Exception) -> bool:
    """Whether the service's own database is away, busy or not migrated: nothing to do with the
    message, which is kept."""
    is_busy = isinstance(error, Unavailable) or retry.has_timed_out(error)
    return retry.is_away(error) or is_busy or isinstance(error, ProgrammingError)


def declare(driver: Any, queue: str, types: Any) -> None:
    """The exchange, the queue with its bindings, and the dead letters."""
    lasting = {"durable": True, "auto_delete": False}
    with driver.channel() as channel:
        channel.exchange_declare(topology.EXCHANGE, topology.EXCHANGE_TYPE, **lasting)
        channel.exchange_declare(topology.DEAD, topology.DEAD_EXCHANGE_TYPE, **lasting)
        channel.queue_declare(topology.DEAD, arguments=topology.DEAD_ARGUMENTS, **lasting)
        channel.queue_bind(topology.DEAD, topology.DEAD)
        channel.queue_declare(queue, arguments=topology.QUEUE_ARGUMENTS, **lasting)
        for type_ in sorted(types):
            channel.queue_bind(queue, topology.EXCHANGE, type_)


def as_message(received: Any) -> Message:
    """The message as the inbox knows it; the event's own id is in its body."""
    info, body = received.delivery_info, received.body
    return Message(
        id=str(received.properties.get("message_id", "")),
        type=str(info["routing_key"]),
        body=body.decode(errors="surrogateescape") if isinstance(body, bytes) else str(body),
        redelivered=bool(info["redelivered"]),
    )
