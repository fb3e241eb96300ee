"""The way from one service's outbox to the others' inboxes.

A bus takes messages and answers which of them are safe: committed by every subscriber's inbox
(``LocalBus``) or confirmed by the broker. What is not in the answer stays unsent and comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """An event on its way: *redelivered* when an earlier attempt was begun and not finished,
    written at *since*.

    Bytes of *body* that are not UTF-8 are kept as lone surrogates, which no event may have.
    """

    id: str
    type: str
    body: str
    redelivered: bool
    since: datetime | None = None


class BusAway(Exception):
    """The broker cannot be reached; what was to be said stays in the outbox."""

    code = "bus_away"


Deliver = Callable[[Message], None]


class Bus(Protocol):
    """What the relay needs of a bus. *handles_here*: consumers run inside ``publish``, so that the
    relay has to count an attempt before it is made."""

    handles_here: bool

    def publish(self, messages: Sequence[Message]) -> set[str]:
        """Hand over *messages* in order; the ids of those that are safe now."""


class LocalBus:
    """Hands each event straight to the subscribers' inboxes, in this process."""

    handles_here = True

    def __init__(self) -> None:
        self._subscribers: dict[str, list[Deliver]] = {}

    def subscribe(self, types: Iterable[str], deliver: Deliver) -> None:
        """Deliver events of *types* to *deliver*, which returns once its service has committed."""
        for type_ in types:
            self._subscribers.setdefault(type_, []).append(deliver)

    def publish(self, messages: Sequence[Message]) -> set[str]:
        """Deliver in order. A subscriber that cannot commit raises: the rest stays unsent."""
        safe: set[str] = set()
        for message in messages:
            for deliver in self._subscribers.get(message.type, ()):
                deliver(message)
            safe.add(message.id)
        return safe
