"""RabbitMQ for tests: in a container, as a process of this machine, or one that was found.

Only the first two may be killed, filled and given other limits.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pika
from pika.exceptions import AMQPError

from support.running import free_port
from support.servers import IMAGES, START_S_MAX, Container, Missing, has_engine, wait_for

LOCAL = "amqp://guest:guest@127.0.0.1:5672/%2F"
CTL_S_MAX = 60.0
QUEUES = [
    f"carport.{name}" for name in ("auth", "accounts", "payments", "notifications", "lease", "dead")
]


class Broker(Protocol):
    """A RabbitMQ; *url* is that of its default virtual host."""

    url: str
    host: str
    port: int

    def ctl(self, *arguments: str) -> str:
        """What rabbitmqctl prints."""


class ContainedBroker:
    """A RabbitMQ in a container."""

    def __init__(self, image: str) -> None:
        user = {"RABBITMQ_DEFAULT_USER": "guest", "RABBITMQ_DEFAULT_PASS": "guest"}
        self._container = Container(image, 5672, **user)
        self.host, self.port = self._container.host, self._container.port
        self.url = f"amqp://guest:guest@{self.host}:{self.port}/%2F"
        self.kill, self.remove = self._container.kill, self._container.remove
        wait_for_broker(self.url)

    def start(self, *, wait: bool = True) -> None:
        """Start it again after `kill`."""
        self._container.start()
        if wait:
            wait_for_broker(self.url)

    def ctl(self, *arguments: str) -> str:
        """What rabbitmqctl prints."""
        return self._container.run("rabbitmqctl", "-q", *arguments)


class OwnBroker:
    """A RabbitMQ as a process of this machine, with ports and a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.url = f"amqp://guest:guest@{self.host}:{self.port}/%2F"
        folder.mkdir(parents=True)
        (folder / "plugins").write_text("[].\n")
        self._env = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"carport-{uuid.uuid4().hex[:8]}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        }
        self._programs = programs() or Path()
        self._log = folder / "out.log"
        self.start()

    def start(self, *, wait: bool = True) -> None:
        """Start it, or start it again after `kill`."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [self._programs / "rabbitmq-server"], env=self._env, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        if wait:
            wait_for_broker(self.url)

    def kill(self) -> None:
        """As a power cut."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def remove(self) -> None:
        """It goes; its folder is the caller's."""
        self.kill()

    def ctl(self, *arguments: str) -> str:
        """What rabbitmqctl prints."""
        return ctl([str(self._programs / "rabbitmqctl")], self._env, *arguments)


class FoundBroker:
    """A RabbitMQ that is not ours, with a virtual host of the run's own where that can be had and
    the address does not name one."""

    def __init__(self) -> None:
        named = os.environ.get("TEST_AMQP_URL", LOCAL)
        parameters = pika.URLParameters(named)
        self.host, self.port = parameters.host, parameters.port
        self._vhost = f"carport-{uuid.uuid4().hex}"
        self._has_vhost = False
        try:
            pika.BlockingConnection(parameters).close()
        except (AMQPError, OSError) as error:
            raise Missing(f"no RabbitMQ at {self.host}:{self.port}: {error!r}") from error
        if parameters.virtual_host == "/":
            with suppress(RuntimeError, OSError):
                self.ctl("add_vhost", self._vhost)
                self._has_vhost = True
                self.ctl("set_permissions", "-p", self._vhost, "guest", ".*", ".*", ".*")
        self.url = f"{named.rpartition('/')[0]}/{self._vhost}" if self._has_vhost else named

    def ctl(self, *arguments: str) -> str:
        """What rabbitmqctl prints."""
        return ctl(["rabbitmqctl"], dict(os.environ), *arguments)

    def remove(self) -> None:
        """Only the virtual host goes."""
        if self._has_vhost:
            self.ctl("delete_vhost", self._vhost)


def ctl(command: list[str], env: dict[str, str], *arguments: str) -> str:
    """What *command* prints; RuntimeError when it fails."""
    done = subprocess.run([*command, "-q", *arguments], env=env, capture_output=True, text=True,
                          timeout=CTL_S_MAX)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def programs() -> Path | None:
    """The folder of RabbitMQ's own programs: the ones on the path may insist on another user."""
    folders = sorted(Path("/usr/lib/rabbitmq").glob("**/sbin"))
    folders += [Path("/usr/lib/rabbitmq/bin")]
    found = shutil.which("rabbitmq-server")
    folders += [Path(found).parent] if found else []
    return next((each for each in folders if (each / "rabbitmq-server").exists()), None)


def own(era: str, folder: Path) -> ContainedBroker | OwnBroker:
    """A RabbitMQ that may be killed and filled. Raises Missing."""
    if has_engine():
        return ContainedBroker(IMAGES[era if era in IMAGES else "newest"][1])
    if programs() is None:
        raise Missing("no Docker engine and no rabbitmq-server to start")
    return OwnBroker(folder)


def wait_for_broker(url: str) -> None:
    """Until the broker at *url* takes connections."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    wait_for(lambda: pika.BlockingConnection(pika.URLParameters(url)).close(),
             f"RabbitMQ at {url.rpartition('@')[2]}", START_S_MAX)  # fmt: skip


def clean(url: str) -> None:
    """Take everything of Carport off the virtual host at *url*."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for queue in QUEUES:
            channel.queue_delete(queue)
        for exchange in ("carport.events", "carport.dead"):
            channel.exchange_delete(exchange)


@contextmanager
def own_host(broker: Broker) -> Iterator[str]:
    """The URL of a virtual host of the caller's own; *broker*'s where none can be made."""
    name = f"carport-{uuid.uuid4().hex}"
    try:
        broker.ctl("add_vhost", name)
        broker.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    except (RuntimeError, OSError):
        yield broker.url
        return
    try:
        yield f"{broker.url.rpartition('/')[0]}/{name}"
    finally:
        broker.ctl("delete_vhost", name)
