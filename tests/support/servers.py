"""PostgreSQL, RabbitMQ and Valkey for tests, of the oldest and the newest release that counts.

Containers of this run where a Docker engine answers; else the servers that TEST_POSTGRES_URL,
TEST_AMQP_URL and TEST_VALKEY_URL name, else those on the standard local ports. Only what a test
started itself may be stopped or filled: a container, or a broker process of its own.
"""

from __future__ import annotations

import gc
import os
import time
import warnings
from contextlib import closing, suppress
from functools import cache
from typing import Any

import sqlalchemy as sa
from pika.exceptions import AMQPError
from redis import Redis
from redis.exceptions import RedisError

from support.running import free_port

IMAGES = {
    "oldest": ("postgres:15", "rabbitmq:3.10-management"),
    "newest": ("postgres:17", "rabbitmq:4-management"),
}
VALKEY = "valkey/valkey:8"
LOCAL_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
LOCAL_VALKEY = "redis://127.0.0.1:6379/11"
START_S_MAX = 90.0
ENGINE_S_MAX = 5


class Missing(Exception):
    """There is no server to run this test on; the message says what would be used."""


@cache
def has_engine() -> bool:
    """Whether a Docker engine answers, and TEST_ENGINE does not say ``none``."""
    if os.environ.get("TEST_ENGINE") == "none":
        return False
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    import docker
    from docker.errors import DockerException

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with suppress(DockerException), closing(docker.from_env(timeout=ENGINE_S_MAX)) as client:
            return bool(client.ping())
        gc.collect()  # a client that nobody answers leaves its socket open
    return False


def eras() -> list[str]:
    """What tests of both releases are run on; one where there is no choice."""
    return list(IMAGES) if has_engine() else ["found"]


class Container:
    """A container with one of its ports on a fixed port of this machine, so that it can be killed
    and come back where it was."""

    def __init__(self, image: str, port: int, **env: str) -> None:
        from testcontainers.core.container import DockerContainer

        self.port = free_port()
        self._made = DockerContainer(image).with_bind_ports(port, self.port)
        for name, value in env.items():
            self._made.with_env(name, value)
        self._made.start()
        self.host = self._made.get_container_host_ip()

    def kill(self) -> None:
        """As a power cut."""
        self._made.get_wrapped_container().kill()

    def start(self) -> None:
        """Start it again, with its data."""
        self._made.get_wrapped_container().start()

    def remove(self) -> None:
        """It goes, with its data."""
        self._made.stop()

    def run(self, *command: str) -> str:
        """What *command* prints inside."""
        done: Any = self._made.get_wrapped_container().exec_run(list(command))
        text = done.output.decode(errors="replace")
        if done.exit_code:
            raise RuntimeError(f"{' '.join(command)}: {text}")
        return str(text)


def postgres(era: str) -> tuple[str, Container | None]:
    """The URL of a superuser of a PostgreSQL, and its container if it is ours. Raises Missing."""
    if not has_engine():
        url = os.environ.get("TEST_POSTGRES_URL", LOCAL_POSTGRES)
        wait_for_postgres(url, within_s=0)
        return url, None
    image = IMAGES[era if era in IMAGES else "newest"][0]
    container = Container(image, 5432, POSTGRES_PASSWORD="calm-otter-9")
    url = f"postgresql+psycopg://postgres:calm-otter-9@{container.host}:{container.port}/postgres"
    wait_for_postgres(url)
    return url, container


def valkey() -> tuple[str, Container | None]:
    """The URL of a database of a Valkey, and its container if it is ours. Raises Missing."""
    if not has_engine():
        url = os.environ.get("TEST_VALKEY_URL", LOCAL_VALKEY)
        wait_for_valkey(url, within_s=0)
        return url, None
    container = Container(VALKEY, 6379)
    url = f"redis://{container.host}:{container.port}/0"
    wait_for_valkey(url)
    return url, container


def wait_for_postgres(url: str, within_s: float = START_S_MAX) -> None:
    """Until the database at *url* can be read."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 3})
    wait_for(lambda: engine.connect().close(), f"PostgreSQL at {engine.url!r}", within_s)


def wait_for_valkey(url: str, within_s: float = START_S_MAX) -> None:
    """Until the store at *url* answers."""
    with Redis.from_url(url) as client:
        wait_for(client.ping, f"Valkey at {url}", within_s)


def wait_for(look: Any, what: str, within_s: float) -> None:
    """Until *look* raises nothing. Raises Missing."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            look()
            return
        except (AMQPError, OSError, RedisError, sa.exc.OperationalError) as error:
            if time.monotonic() > deadline:
                raise Missing(f"no {what}: {error!r}") from error
        time.sleep(0.1)
