"""Answers that may go on for minutes: each holds a thread, so that only few may at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace

from carport.gateway.framing import Environ
from carport.gateway.upstreams import Answer, Upstream
from carport.shared.errors import Unavailable
from carport.shared.health import SERVING

STREAMS_MAX = 8
"""Of the 32 threads of a process."""
RETRY_S = 30


class Streams:
    """The streams of this process."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(STREAMS_MAX)

    def open(self, upstream: Upstream, environ: Environ) -> Answer:
        """Ask *upstream* for a stream. Raises Away, and Unavailable when there are too many."""
        if not self._free.acquire(blocking=False):
            detail = "Too many streams are open. Ask for the messages now and then, or come back."
            raise Unavailable(detail, retry_after_s=RETRY_S)
        try:
            answer = upstream.call(environ)
        except BaseException:
            self._free.release()
            raise
        place = ExitStack()
        place.callback(self._free.release)
        place.callback(answer.close)
        body = while_serving(answer.body, environ.get(SERVING, lambda: True), place)
        return replace(answer, body=body, close=place.close)


def while_serving(
    body: Iterable[bytes], goes_on: Callable[[], bool], place: ExitStack
) -> Iterator[bytes]:
    """*body* until the process is told to stop: its end must not wait for that of a stream. Then
    its *place* is free; closing the answer frees it, too, read or not."""
    with place:
        for chunk in body:
            yield chunk
            if not goes_on():
                return
