"""Named points where a test may kill, delay or fail the process: ``CARPORT_FAILPOINT=name:kill``.

Configuration refuses the variable outside the sandbox.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


class FailpointHit(Exception):
    """What ``name:raise`` raises."""

    code = "failpoint"


def hit(name: str) -> None:
    """Do what the environment asks for at *name*, and say so: ``kill``, ``raise`` or
    ``sleep:SECONDS``."""
    wanted = os.environ.get("CARPORT_FAILPOINT")
    if not wanted:
        return
    point, _, action = wanted.partition(":")
    if point != name:
        return
    said = {"event": "failpoint", "point": name, "action": action, "pid": os.getpid()}
    sys.stderr.write(json.dumps(said) + "\n")
    sys.stderr.flush()
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
    else:
        raise FailpointHit(name)
