"""``python -m support.mortal DATABASE AMQP``: a worker whose handler is killed by some events."""

from __future__ import annotations

import os
import signal
import sys
import time

import sqlalchemy as sa
from carport.shared import inbox

from support.spine import Spine


def main(database: str, amqp: str) -> None:
    """Work until killed."""
    inbox.RETRY_S_BASE = 0
    inbox.ATTEMPT_S_MAX = 1
    spine = Spine(sa.create_engine(database), amqp)

    def handle(tx, event, now):
        if event.data["what"].startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        taker.note(tx, event, now)

    taker = spine.taker(handle, url=database, worker="mortal").start()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
