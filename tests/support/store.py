"""A Valkey of a test's own, which it may pause, kill and start again; it keeps nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import Any

from support.running import free_port
from support.servers import VALKEY, Missing, has_engine, wait_for_valkey

FORGETFUL = ["--save", "", "--appendonly", "no", "--protected-mode", "no"]


def own_store() -> OwnStore | ContainedStore:
    """A container where a Docker engine answers, else a process. Raises Missing."""
    if has_engine():
        return ContainedStore()
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise Missing("no Docker engine and no valkey-server or redis-server to start")
    return OwnStore(program)


class OwnStore:
    """A process of this machine on a port of its own."""

    def __init__(self, program: str) -> None:
        self._command = [program, "--bind", "127.0.0.1", "--port", str(port := free_port())]
        self.url = f"redis://127.0.0.1:{port}/0"
        self.start()

    def start(self) -> None:
        """Start it, or start it again after `kill`: it has forgotten everything."""
        self._process = subprocess.Popen(
            [*self._command, *FORGETFUL], stdout=subprocess.DEVNULL, start_new_session=True
        )
        wait_for_valkey(self.url)

    def pause(self) -> None:
        """It takes connections and says nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It answers what it was asked meanwhile."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """As a power cut."""
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        """It goes."""
        self.kill()


class ContainedStore:
    """A container with its port on a fixed port of this machine."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer

        port = free_port()
        self._made = DockerContainer(VALKEY).with_bind_ports(6379, port)
        self._made.with_command(["valkey-server", *FORGETFUL]).start()
        self._container: Any = self._made.get_wrapped_container()
        self.url = f"redis://127.0.0.1:{port}/0"
        self.pause, self.resume = self._container.pause, self._container.unpause
        self.kill, self.remove = self._container.kill, self._made.stop
        wait_for_valkey(self.url)

    def start(self) -> None:
        """Start it again after `kill`: it has forgotten everything."""
        self._container.start()
        wait_for_valkey(self.url)
