"""One process per data folder: SQLite files and the local bus have exactly one owner."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

WAIT_S_MAX = 10.0
STEP_S = 0.05


class InUse(Exception):
    """Another process works on the folder."""

    code = "home_in_use"


def own(folder: Path) -> int:
    """Hold *folder* until this process and its children end; the open file's descriptor.

    Waits for a process that is just ending. Raises InUse.
    """
    handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise InUse(f"Another Carport is using {folder}; stop it first.") from None
            time.sleep(STEP_S)
        else:
            return handle
