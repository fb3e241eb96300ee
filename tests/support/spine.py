"""Two small services on real servers: a maker with an outbox and takers with an inbox.

Their types are those of published contracts, whose consumers are what the relay declares.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import pika
import sqlalchemy as sa
from carport.shared import db, events, inbox, migrate, outbox
from carport.shared.amqp.consumer import Consumer
from carport.shared.amqp.publisher import AmqpBus
from carport.shared.config import Settings
from carport.shared.db import Runtime
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id
from carport.shared.service import Batched, Service
from carport.shared.worker import Worker

from support.client import eventually
from support.proxy import Proxy

ONE = "accounts.ledger_anchored.v1"
"""For payments alone."""
OTHER = "accounts.identity_recorded.v1"
"""For auth alone."""
TWO = "accounts.day_ending.v1"
"""For payments and lease."""
NOBODY = "auth.session_ended.v1"
TYPES = frozenset({ONE, OTHER, TWO, NOBODY})
QUEUE = "carport.payments"
STOP_S_MAX = 5.0
Handler = Callable[..., None]


class Spine:
    """What one test makes of a database server and a broker; `close` takes it all away."""

    def __init__(self, server: sa.Engine, broker_url: str) -> None:
        self.server, self.broker_url = server, broker_url
        self._databases: list[str] = []
        self._closing: list[Callable[[], None]] = []

    def database(self) -> str:
        """The URL of a new database with the tables every service has."""
        name = f"carport_{uuid.uuid4().hex}"
        with self.server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        self._databases.append(name)
        return self.server.url.set(database=name).render_as_string(hide_password=False)

    def maker(self, through: Proxy | None = None, published: Iterable[str] = TYPES) -> Maker:
        """A service that says things; *through* a proxy to the broker."""
        service = Service("accounts", sa.MetaData(), "none", publishes=frozenset(published))
        maker = Maker(self.runtime(service), proxied(self.broker_url, through))
        self._closing.append(maker.bus.close)
        return maker

    def taker(self, handler: Handler | Batched | None = None, **more: Any) -> Taker:
        """A service that hears them; see `Taker`."""
        more.setdefault("url", None)
        database = more.pop("url") or self.database()
        url = proxied(self.broker_url, more.pop("through", None))
        behind = proxied(database, more.pop("behind", None))
        taker = Taker(self, behind, url, handler, **more)
        self._closing.append(taker.stop)
        return taker

    def runtime(self, service: Service, url: str = "") -> Runtime:
        """*service* on the database at *url*, or one of its own."""
        url = url or self.database()
        runtime = Runtime(service, Settings(service.name, url), db.make_engine(url))
        migrate.upgrade_spine(runtime.engine)
        service.metadata.create_all(runtime.engine)
        self._closing.append(runtime.engine.dispose)
        return runtime

    def channel(self) -> pika.adapters.blocking_connection.BlockingChannel:
        """A channel of a client that has nothing to do with Carport."""
        connection = pika.BlockingConnection(pika.URLParameters(self.broker_url))
        self._closing.append(lambda: connection.close() if connection.is_open else None)
        return connection.channel()

    def depth(self, queue: str = QUEUE) -> int:
        """Messages that are ready in *queue*."""
        found = self.channel().queue_declare(queue, passive=True)
        return int(found.method.message_count)

    def close(self) -> None:
        """Stop everything and drop the databases."""
        for close in reversed(self._closing):
            close()
        with self.server.connect() as connection:
            for name in self._databases:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


class Maker:
    """Says events of *TYPES* and relays them when told to."""

    def __init__(self, runtime: Runtime, url: str) -> None:
        self.runtime = runtime
        self.bus = AmqpBus(url, runtime.service.publishes)
        self.token = new_id(utc_now())

    def say(self, *whats: str, type_: str = ONE, subject: str = "s") -> list[events.Event]:
        """One event per *what*, in one transaction."""
        said = [events.make(type_, subject=subject, data={"what": what}, now=utc_now())
                for what in whats]  # fmt: skip
        with self.runtime.transaction() as tx:
            outbox.add(tx, *said)
        return said

    def relay(self) -> int:
        """One pass of the relay; how many it marked."""
        return outbox.relay_once(self.runtime, self.bus, self.token)

    def unsent(self) -> list[str]:
        """What is not marked as sent."""
        query = sa.select(outbox.outbox.c.body).where(outbox.outbox.c.sent_at.is_(None))
        with self.runtime.reading() as tx:
            bodies = tx.execute(query.order_by(outbox.outbox.c.seq)).scalars()
            return [events.Event.from_json(body).data["what"] for body in bodies]

    def unsent_number(self) -> int:
        """How many are not marked as sent."""
        query = sa.select(sa.func.count()).where(outbox.outbox.c.sent_at.is_(None))
        with self.runtime.reading() as tx:
            return int(tx.execute(query).scalar_one())

    def say_and_relay(self, *whats: str, **more: Any) -> None:
        """Until all is sent."""
        self.say(*whats, **more)
        while self.unsent():
            self.relay()


class Taker:
    """Hears events on the queue of *name* and notes what it was told, in the order of the effects.

    Several on one database are several workers of a service: *worker* tells them apart.
    """

    def __init__(
        self,
        spine: Spine,
        database: str,
        url: str,
        handler: Handler | Batched | None = None,
        *,
        name: str = "payments",
        worker: str = "w",
        types: Iterable[str] = TYPES,
    ) -> None:
        self.seen = db.table(
            "seen",
            sa.MetaData(naming_convention=db.CONVENTION),
            db.auto_id(),
            sa.Column("what", db.Text, nullable=False),
            sa.Column("worker", db.Text, nullable=False),
        )
        self.worker, self.database = worker, database
        handlers = dict.fromkeys(types, handler or self.note)
        self.runtime = spine.runtime(
            Service(name, self.seen.metadata, "none", handlers=handlers), database
        )
        self.consumer = Consumer(self.runtime, url)
        self.loops = Worker(self.runtime, AmqpBus(url, ()))
        self._started = threading.Event()

    def note(self, tx: sa.Connection, event: events.Event, _now: Any) -> None:
        """The effect: a row."""
        tx.execute(self.seen.insert().values(what=event.data["what"], worker=self.worker))

    def start(self) -> Taker:
        """Consume, and retry what is due."""
        self._started.set()
        self.consumer.start()
        self.loops.start()
        return self

    def stop(self) -> None:
        """Stop consuming, if it was started."""
        if self._started.is_set():
            self.consumer.stop(STOP_S_MAX)
            self.loops.stop(STOP_S_MAX)

    def connected(self) -> Taker:
        """Start, and wait until it consumes."""
        self.start()
        eventually(lambda: self.consumer.is_connected, "the consumer to be connected")
        return self

    def heard(self) -> list[str]:
        """What took effect."""
        with self.runtime.reading() as tx:
            return list(tx.execute(sa.select(self.seen.c.what).order_by(self.seen.c.seq)).scalars())

    def workers(self) -> list[str]:
        """Which worker made each effect."""
        with self.runtime.reading() as tx:
            return list(tx.execute(sa.select(self.seen.c.worker)).scalars())

    def rows(self) -> list[dict[str, Any]]:
        """The inbox's rows that are not done."""
        with self.runtime.reading() as tx:
            return inbox.unfinished(tx)

    def until_heard(self, *whats: str, within_s: float = 30.0) -> None:
        """Until exactly *whats* took effect, in any order."""
        eventually(lambda: sorted(self.heard()) == sorted(whats), f"{whats}", within_s=within_s)


def proxied(url: str, proxy: Proxy | None) -> str:
    """*url* by way of *proxy*."""
    if proxy is None:
        return url
    head, _, rest = url.partition("@")
    return f"{head}@127.0.0.1:{proxy.port}/{rest.partition('/')[2]}"
