"""HTTP: new messages as they come, as Server-Sent Events; each stream holds a thread.

A stream is woken by the commit that stored a message, and looks by itself once a second. It ends
after CARPORT_STREAM_S, with its session and with its process; a client comes back with the
``Last-Event-ID`` it has seen and misses nothing.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from flask import Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from carport.notifications import commands, queries
from carport.notifications.api.messages import own_party
from carport.shared import telemetry
from carport.shared.access import Edge, edge
from carport.shared.db import Runtime
from carport.shared.errors import Problem, Refused, Unavailable
from carport.shared.health import SERVING
from carport.shared.web import Blueprint, access, current

EVENTS = "text/event-stream"
NUMBER = re.compile(r"[0-9]{1,18}")
STREAMS_MAX = 64
"""Of a process that does nothing else."""
SPARE_THREADS = 8
OF_PARTY_MAX = 4
AT_ONCE_MAX = 100
HEARTBEAT_S = 15.0
"""Shorter than anything on the way waits for an answer."""
POLL_S = 1.0
PAUSE_S = 0.25
"""Between two looks, however often it is woken."""
RETRY_MS = 1000
LAST_EVENT_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "required": False,
    "schema": {"type": "string", "pattern": f"^{NUMBER.pattern}$"},
    "description": "The last id that was seen; without it only messages from now on are sent.",
}
EVENT = {
    "type": "object",
    "description": "One event.",
    "required": ["id", "data"],
    "properties": {
        "id": {"type": "string", "pattern": f"^{NUMBER.pattern}$"},
        "data": {"type": "string", "description": "A message as in the list, as JSON."},
    },
}
log = telemetry.logger("carport.stream")


class Seats:
    """Whose streams this process has open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, party_id: str, seats_max: int) -> None:
        """Raises Refused 429 when the party has enough, Unavailable when nobody gets another."""
        with self._lock:
            if self._taken[party_id] >= OF_PARTY_MAX:
                detail = f"You have {OF_PARTY_MAX} streams open; close one of them first."
                later = {"Retry-After": "5"}
                raise Refused("too_many_streams", detail, status=429, headers=later)
            if self._taken.total() >= seats_max:
                detail = "Too many streams are open. Ask for your messages now and then instead."
                raise Unavailable(detail, retry_after_s=30)
            self._taken[party_id] += 1

    def leave(self, party_id: str) -> None:
        """Make room for another."""
        with self._lock:
            self._taken[party_id] -= 1
            self._taken += Counter()  # forgets those at zero


@dataclass
class Stream:
    """The messages of a party after number *after*, as text of the protocol."""

    runtime: Runtime
    party_id: str
    after: int
    is_allowed: Callable[[], bool]
    to_json: Callable[[Any], str]

    def __iter__(self) -> Iterator[str]:
        """The first text carries no message, only the id to come back with."""
        end = monotonic() + self.runtime.settings.stream_s
        spoke_at = monotonic()
        yield f"retry: {RETRY_MS}\nid: {self.after}\n\n"
        woken = self.runtime.wake.streams.next
        while (texts := self.look()) is not None:
            if not texts and monotonic() - spoke_at >= HEARTBEAT_S:
                texts = [": still here\n\n"]
            for text in texts:
                spoke_at = monotonic()
                yield text
            if monotonic() >= end:
                return
            self.rest(woken, end)
            woken = self.runtime.wake.streams.next

    def look(self) -> list[str] | None:
        """What is new; None when the stream has to end."""
        try:
            return self.news() if self.is_allowed() else None
        except (Problem, SQLAlchemyError) as error:
            log.info("stream ended", error=type(error).__name__)
            return None

    def news(self) -> list[str]:
        """The next messages."""
        with self.runtime.reading() as tx:
            found = self.found(tx)
            is_behind = queries.has_unnumbered(tx, self.party_id)
        if is_behind:
            with self.runtime.transaction() as tx:
                commands.number_messages(tx, self.party_id)
                found = self.found(tx)
        self.after = found[-1][0] if found else self.after
        return [f"id: {number}\ndata: {self.to_json(each)}\n\n" for number, each in found]

    def found(self, tx: Any) -> list[tuple[int, dict[str, Any]]]:
        """Those with a number."""
        return queries.messages_after(tx, self.party_id, self.after, limit=AT_ONCE_MAX)

    def rest(self, woken: threading.Event, end: float) -> None:
        """Until there may be something new, and never without a pause."""
        threading.Event().wait(min(PAUSE_S, max(0.0, end - monotonic())))
        woken.wait(min(POLL_S, max(0.0, end - monotonic())))


def stream_blueprint() -> Blueprint:
    """New messages as they come."""
    blp = Blueprint("stream", __name__, description="Messages as they come")

    @blp.route("/v1/messages/stream")
    @access("customer", produces=EVENTS)
    @blp.returns(200, EVENT, content_type=EVENTS)
    @blp.doc(parameters=[LAST_EVENT_ID])
    def stream_messages() -> Response:
        """My new messages as Server-Sent Events, each as in the list; it ends after a minute or so,
        come back with Last-Event-ID."""
        party_id, runtime = own_party(), current()
        with runtime.transaction() as tx:
            after = where_to_begin(commands.number_messages(tx, party_id))
        return opened(party_id, after, runtime)

    return blp


def where_to_begin(last: int) -> int:
    """After which number: what the client has seen, else the *last* one there is."""
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return last
    if not NUMBER.fullmatch(given) or int(given) > last:
        detail = "This Last-Event-ID is none of your stream. Leave it out, and read your messages."
        raise Refused("invalid_parameter", detail)
    return int(given)


def opened(party_id: str, after: int, runtime: Runtime) -> Response:
    """The stream, in the seat of its party until it is closed."""
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return Response(content_type=EVENTS, headers=headers)
    seats: Seats = current_app.extensions.setdefault("carport_seats", Seats())
    seats.take(party_id, runtime.settings.streams_max)
    seat = ExitStack()
    seat.callback(seats.leave, party_id)
    to_json = current_app.json.dumps
    stream = Stream(runtime, party_id, after, still_allowed(edge()), to_json)
    response = Response(held(seat, stream), content_type=EVENTS, headers=headers)
    response.call_on_close(seat.close)
    return response


def held(seat: ExitStack, stream: Stream) -> Iterator[str]:
    """*stream*, and then leave the *seat*; closing the answer leaves it, too, read or not."""
    with seat:
        yield from stream


def still_allowed(own: Edge) -> Callable[[], bool]:
    """Whether this process goes on serving; asking raises Unauthenticated once the session or the
    token has ended."""
    said = request.headers.get("Authorization")
    serving: Callable[[], bool] = request.environ.get(SERVING, lambda: True)

    def is_allowed() -> bool:
        own.guard.authenticate(said, own.runtime.clock())
        return serving()

    return is_allowed


def stream_role(runtime: Runtime, _arguments: list[str]) -> int:
    """Serve streams: a thread each, woken by the worker."""
    from carport.shared import serving

    runtime.settings = replace(runtime.settings, streams_max=STREAMS_MAX)
    return serving.serve(runtime, threads=STREAMS_MAX + SPARE_THREADS, listens=True)
