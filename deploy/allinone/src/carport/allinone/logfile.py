"""The log of the embedded mode: a file that never grows without bound."""

from __future__ import annotations

import contextlib
import io
from logging.handlers import RotatingFileHandler
from pathlib import Path

BYTES_MAX = 16 * 1024 * 1024
KEPT = 4
"""Older files beside the one being written: ``carport.log.1`` is the newest of them."""


class LogFile(io.TextIOBase):
    """Text appended to *path*; once it has *bytes_max* it is put aside, *kept* of them at most.

    Lines stay whole: what is written in one call ends up in one file. A full disk costs lines,
    never the request that wrote them.
    """

    def __init__(self, path: Path, *, bytes_max: int = BYTES_MAX, kept: int = KEPT) -> None:
        self._files = RotatingFileHandler(path, backupCount=kept, encoding="utf-8")
        self._bytes_max = bytes_max

    def write(self, text: str) -> int:
        """Append *text*, in a new file when it does not fit into this one."""
        with self._files.lock, contextlib.suppress(OSError):
            size = self._files.stream.tell()
            if size and size + len(text.encode()) > self._bytes_max:
                self._files.doRollover()
            self._files.stream.write(text)
            self._files.stream.flush()
        return len(text)

    def fileno(self) -> int:
        """Of the file being written."""
        return self._files.stream.fileno()

    def close(self) -> None:
        """No more lines."""
        with contextlib.suppress(OSError):
            self._files.close()
        super().close()
