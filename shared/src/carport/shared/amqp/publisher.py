"""The relay's side: persistent, mandatory messages with pipelined publisher confirms.

A message counts as safe after its own confirm and nothing else. After a return, a negative confirm
or silence the connection is dropped and made anew (with the topology), because what arrives on a
channel in doubt could be taken for the answer to another message; unsafe rows simply stay unsent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import pika
from pika.exceptions import AMQPError

from carport.shared import failpoints, metrics, telemetry
from carport.shared.amqp import topology
from carport.shared.bus import BusAway, Message
from carport.shared.events import CONTENT_TYPE

HEARTBEAT_S = 10
OPEN_S_MAX = 10.0
CONFIRM_S_MAX = 10.0
CLOSE_S_MAX = 2.0
NAMED_MAX = 10
log = telemetry.logger("carport.publisher")


class Batch:
    """Messages on their way and what the broker said of them."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.settled = threading.Event()
        self.safe: set[str] = set()
        self.returned: dict[str, str] = {}
        self.refused: list[str] = []
        self._waiting: dict[int, Message] = {}

    def sent(self, tag: int, message: Message) -> None:
        """*message* went out as delivery *tag* of its channel."""
        self._waiting[tag] = message

    def answered(self, tag: int, *, is_multiple: bool, is_safe: bool) -> None:
        """The broker's answer to delivery *tag* or, *is_multiple*, to all up to it."""
        up_to = list(takewhile(lambda each: each <= tag, self._waiting))
        for each in up_to if is_multiple else [tag]:
            message = self._waiting.pop(each, None)
            if message is None or message.id in self.returned:
                continue
            if is_safe:
                self.safe.add(message.id)
            else:
                self.refused.append(message.id)
        if not self._waiting:
            self.settled.set()

    @property
    def is_doubtful(self) -> bool:
        """Whether anything but a plain confirm of every message came."""
        return bool(self._waiting or self.returned or self.refused)


class Link:
    """One connection with one channel in confirm mode, its loop running in a thread of its own."""

    def __init__(self, parameters: pika.URLParameters, published: Iterable[str]) -> None:
        self._bindings = list(topology.bindings(published))
        self._ready = threading.Event()
        self._batch: Batch | None = None
        self._channel: Any = None
        self._tag = 0
        self.is_open = False
        self.reason = "no answer"
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._opened),
            on_open_error_callback=lambda _connection, error: self._closed(error),
            on_close_callback=lambda _connection, error: self._closed(error),
        )
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def wait_open(self) -> None:
        """Raises BusAway when the topology is not declared in time."""
        if not self._ready.wait(OPEN_S_MAX) or not self.is_open:
            self.drop()
            raise BusAway(f"the broker cannot be reached: {self.reason}")

    def publish(self, batch: Batch) -> None:
        """Send *batch* and wait until all is answered, the link breaks or it took too long."""
        self._soon(partial(self._send, batch))
        batch.settled.wait(CONFIRM_S_MAX)

    def drop(self) -> None:
        """Close channel and connection at once; nothing is heard of them afterwards."""
        self._batch = None
        self._soon(self._stop)
        self._thread.join(CLOSE_S_MAX)

    def _soon(self, call: Callable[[], None]) -> None:
        self._connection.ioloop.add_callback_threadsafe(call)

    def _run(self) -> None:
        try:
            self._connection.ioloop.start()
        except Exception as error:  # noqa: BLE001 - whatever broke the loop ends the link
            self._closed(error)
        finally:
            self._connection.ioloop.close()

    def _stop(self) -> None:
        """The loop goes on until the socket is closed, at the latest for want of heartbeats."""
        if not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def _opened(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_return_callback(self._returned)
        channel.add_on_close_callback(self._channel_closed)
        channel.confirm_delivery(self._answered, callback=lambda _frame: self._declare())

    def _declare(self) -> None:
        channel, queues = self._channel, sorted({queue for queue, _ in self._bindings})
        declare, durable = channel.exchange_declare, {"durable": True}
        declare(topology.EXCHANGE, topology.EXCHANGE_TYPE, **durable)
        declare(topology.DEAD, topology.DEAD_EXCHANGE_TYPE, **durable)
        channel.queue_declare(topology.DEAD, arguments=topology.DEAD_ARGUMENTS, **durable)
        channel.queue_bind(topology.DEAD, topology.DEAD)
        for queue in queues:
            channel.queue_declare(queue, arguments=topology.QUEUE_ARGUMENTS, **durable)
        for queue, type_ in self._bindings:
            channel.queue_bind(queue, topology.EXCHANGE, type_)
        channel.basic_qos(callback=lambda _frame: self._is_ready())

    def _is_ready(self) -> None:
        self.is_open = True
        self._ready.set()

    def _send(self, batch: Batch) -> None:
        if not self.is_open:
            batch.settled.set()
            return
        self._batch = batch
        for message in batch.messages:
            self._tag += 1
            batch.sent(self._tag, message)
            self._channel.basic_publish(
                topology.EXCHANGE,
                message.type,
                message.body.encode(),
                properties(message),
                mandatory=topology.is_expected(message.type),
            )

    def _answered(self, frame: Any) -> None:
        failpoints.hit("relay.before_confirm")
        if self._batch is not None:
            answer = frame.method
            is_safe = isinstance(answer, pika.spec.Basic.Ack)
            self._batch.answered(answer.delivery_tag, is_multiple=answer.multiple, is_safe=is_safe)

    def _returned(self, _channel: Any, method: Any, told: Any, _body: bytes) -> None:
        """Comes before the confirm of the same message, which then means nothing."""
        if self._batch is not None:
            self._batch.returned[told.message_id] = method.reply_text

    def _channel_closed(self, _channel: Any, error: Any) -> None:
        self._end(error)
        self._stop()

    def _closed(self, error: Any) -> None:
        self._end(error)
        self._connection.ioloop.stop()

    def _end(self, error: Any) -> None:
        self.is_open, self.reason = False, repr(error)
        self._ready.set()
        if self._batch is not None:
            self._batch.settled.set()


class AmqpBus:
    """Publishes the events of one service; connects when it has something to say."""

    handles_here = False

    def __init__(self, url: str, published: Iterable[str]) -> None:
        self._published = sorted(published)
        self._unit = "".join(self._published[:1]).partition(".")[0]
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = HEARTBEAT_S
        self._parameters.blocked_connection_timeout = CONFIRM_S_MAX
        self._parameters.socket_timeout = self._parameters.stack_timeout = OPEN_S_MAX / 2
        self._link: Link | None = None

    def publish(self, messages: Sequence[Message]) -> set[str]:
        """The ids of those the broker has confirmed. Raises BusAway when it cannot be reached."""
        batch = Batch(messages)
        self._connected().publish(batch)
        if batch.is_doubtful or not batch.settled.is_set():
            self.close()
            self._complain(batch)
        return set(batch.safe)

    def _connected(self) -> Link:
        if self._link is None or not self._link.is_open:
            self.close()
            try:
                self._link = Link(self._parameters, self._published)
            except (AMQPError, OSError) as error:
                raise BusAway(f"the broker cannot be reached: {type(error).__name__}") from error
            self._link.wait_open()
        return self._link

    def _complain(self, batch: Batch) -> None:
        outcomes = {"returned": len(batch.returned), "nacked": len(batch.refused)}
        unsafe = len(batch.messages) - len(batch.safe)
        outcomes["unconfirmed"] = unsafe - sum(outcomes.values())
        for outcome, number in outcomes.items():
            metrics.count("carport_relay_messages_total", self._unit, outcome, by=number)
        some = [*sorted(batch.returned), *batch.refused][:NAMED_MAX]
        log.error("messages not confirmed", confirmed=len(batch.safe), messages=some, **outcomes)

    @property
    def is_connected(self) -> bool:
        """Whether the last connection still stands."""
        return self._link is not None and self._link.is_open

    def close(self) -> None:
        """Drop the connection; the next publish makes another."""
        if self._link is not None:
            self._link.drop()
            self._link = None


def properties(message: Message) -> pika.BasicProperties:
    """Persistent, and readable by any AMQP client."""
    return pika.BasicProperties(
        content_type=CONTENT_TYPE,
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=message.id,
        type=message.type,
    )
