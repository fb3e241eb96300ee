"""A suite in a process of its own: private folder, private port, killable."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2

START_S_MAX = 300.0
QUIET_S_MAX = 30.0
PORTS = range(15_000, 30_000)
"""Below those that outgoing connections are given: one of these would be gone before it is used."""


_given: set[int] = set()


def free_port() -> int:
    """A port that is free together with the next one, where a unit tells its metrics."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, socket.socket() as following:
            try:
                probe.bind(("127.0.0.1", port))
                following.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        if not _given & {port, port + 1}:
            _given.update({port, port + 1})
            return port


class Running:
    """``carport up`` on *folder*; keeps its data over ``kill`` and ``start``."""

    def __init__(self, folder: Path, *, demo: bool = False, env: dict[str, str] | None = None):
        self.folder, self.port = folder, free_port()
        self.url = f"http://localhost:{self.port}"
        self.env = {
            **os.environ,
            "CARPORT_HOME": str(folder),
            "CARPORT_DEMO": "1" if demo else "0",
            "CARPORT_LIMITS_FACTOR": "10000",
            "PORT": str(self.port),
            **(env or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Running:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "out.log").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "carport.allinone", "up"],
                env=self.env, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S_MAX
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the suite did not start:\n{self.log()}")
            time.sleep(0.02)
        return self

    def answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/status", timeout=2, trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def kill(self) -> None:
        """SIGKILL the whole process group, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._signal(signal.SIGTERM)
        return self.process.returncode if self.process else 0

    def worker(self) -> int:
        """The process that gunicorn forked, in which everything runs."""
        children = Path(f"/proc/{self.pid()}/task/{self.pid()}/children")
        return int(children.read_text().split()[0])

    def pid(self) -> int:
        """The process that was started: gunicorn's arbiter."""
        if self.process is None:
            raise RuntimeError("the suite was not started")
        return self.process.pid

    def _signal(self, number: int) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, number)
        self.process.wait(timeout=20)

    def log(self) -> str:
        """What the process printed, then the end of its log."""
        files = [self.folder / name for name in ("carport.log", "out.log")]
        return "".join(f.read_text(errors="replace")[-4000:] for f in files if f.exists())

    def verify(self) -> subprocess.CompletedProcess[str]:
        """What `carport verify` says once nothing is on its way: nothing is too young to count."""
        deadline = time.monotonic() + QUIET_S_MAX
        while True:
            told = subprocess.run(
                [sys.executable, "-m", "carport.allinone", "verify", "--grace", "0"],
                env=self.env, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            if told.returncode == 0 or time.monotonic() > deadline:
                return told
