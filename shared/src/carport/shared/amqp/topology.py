"""What exists on the broker: one exchange, one quorum queue per consuming service, dead letters.

Both sides declare it, so that start order does not matter: a producer also declares the queues of
the consumers its contracts name, and an event for a service that is not there yet waits in its
queue. Every limit is said explicitly, because RabbitMQ 3.10 and 4 differ in what they assume.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from carport.shared import events

EXCHANGE = "carport.events"
EXCHANGE_TYPE = "topic"
DEAD = "carport.dead"
DEAD_EXCHANGE_TYPE = "fanout"
MESSAGES_MAX = 5_000_000
DELIVERIES_MAX = 50
"""Far above what the inbox allows: a net for messages that cannot even be stored."""

DEAD_ARGUMENTS: dict[str, Any] = {"x-queue-type": "quorum", "x-max-length": MESSAGES_MAX}
QUEUE_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERIES_MAX,
    "x-dead-letter-exchange": DEAD,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-max-length": MESSAGES_MAX,
}


def queue_of(service: str) -> str:
    """The queue of a consuming service."""
    return f"carport.{service}"


def bindings(published: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(queue, type) for every consumer that the contracts of *published* name."""
    for type_ in sorted(published):
        for consumer in events.contract(type_)["consumers"]:
            yield queue_of(consumer), type_


def is_expected(type_: str) -> bool:
    """Whether somebody consumes *type_*. So it is assumed of one that only a newer release knows:
    it then waits here, rather than be lost."""
    try:
        return bool(events.contract(type_)["consumers"])
    except FileNotFoundError:
        return True
