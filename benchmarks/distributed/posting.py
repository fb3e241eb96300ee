"""Goals 6 and 7: payments posted by accounts itself, ledger, chain and snapshot included, against
pgbench's locked form of a posting, and what sharing cash clearing costs clients."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from carport.accounts.service import SERVICE
from carport.shared import business_day, delivery, events, migrate, telemetry, testing, worker
from carport.shared.bus import LocalBus, Message
from carport.shared.db import Runtime, make_engine
from carport.shared.kernel.ids import new_id
from carport.shared.web import create_app
from support.client import contract

from benchmarks.distributed import rig

CONTRACTS = 400
SECONDS = 3.0
BATCH = 50
MESSAGES = 3_000
CLIENTS = 4
CROWD = 8
LOCKED = """\\set a random(1, 100000)
\\set b random(1, 100000)
\\set low least(:a, :b)
\\set high greatest(:a, :b)
BEGIN;
SELECT debits FROM pg_balance WHERE id = :low FOR UPDATE;
SELECT debits FROM pg_balance WHERE id = :high FOR UPDATE;
INSERT INTO pg_journal (posted_at) VALUES (now());
INSERT INTO pg_entry (account, amount) VALUES (:low, 100), (:high, -100), (:low, 50), (:high, -50);
UPDATE pg_balance SET debits = debits + 150 WHERE id = :low;
UPDATE pg_balance SET credits = credits + 150 WHERE id = :high;
COMMIT;
"""
TABLES = """
CREATE TABLE pg_balance (id int PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL);
INSERT INTO pg_balance SELECT n, 0, 0 FROM generate_series(1, 100000) n;
CREATE TABLE pg_journal (id bigserial PRIMARY KEY, posted_at timestamptz NOT NULL);
CREATE TABLE pg_entry (id bigserial PRIMARY KEY, account int NOT NULL, amount bigint NOT NULL);
"""


def runtime(url: str) -> Runtime:
    """Accounts on *url*, without rate limits."""
    telemetry.configure("accounts", level="WARNING")
    given = testing.settings("accounts", Path(tempfile.gettempdir()), first_day=date(2025, 1, 1))
    return Runtime(SERVICE, replace(given, database_url=url), make_engine(url))


def boarded(url: str, number: int) -> Book:
    """Contracts of accounts on an open day."""
    own = runtime(url)
    migrate.upgrade(own.engine, SERVICE)
    worker.drain([own], LocalBus())
    with own.reading() as tx:
        today = business_day.get(tx).date.isoformat()
    client, ids = create_app(own).test_client(), []
    for _ in range(number):
        headers = testing.bearer(own, scope="agent") | {"Idempotency-Key": str(uuid.uuid4())}
        document = contract(contract_date=today)
        answer = client.post("/v1/staff/accounts", json=document, headers=headers)
        ids.append(answer.json["id"])
    rig.analyze(own.engine)
    own.engine.dispose()
    return Book(url, ids)


def accepted(own: Runtime, account_id: str, today: date) -> Message:
    """A payment that payments has accepted."""
    data = events.contract(rig.TYPE)["example"] | {
        "payment_id": new_id(own.clock()), "account_id": account_id, "amount": 1000,
        "effective_on": today.isoformat(),
    }  # fmt: skip
    event = events.make(
        rig.TYPE, subject=account_id, data=data, now=own.clock(), businessdate=today
    )
    return Message(event.id, event.type, event.to_json(), redelivered=False)


@dataclass(frozen=True)
class Book:
    """A database of accounts and contracts in it."""

    url: str
    ids: list[str]

    @contextmanager
    def copied(self, clients: int, *, is_apart: bool = False) -> Iterator[list[Book]]:
        """A part of the contracts for each of *clients*, in a copy of the database they share or in
        one each: as they were boarded, so that every run begins with the same work."""
        with ExitStack() as stack:
            copies = clients if is_apart else 1
            urls = [stack.enter_context(rig.created(self.url)) for _ in range(copies)]
            yield [Book(urls[n % copies], self.ids[n::clients]) for n in range(clients)]


def client(
    book: Book, size: int, together: Barrier, rates: Any, *, is_locking: bool = False
) -> None:
    """One of several that post payments to contracts of its own, *size* in a transaction.

    The messages are there and the first of them posted before the clock starts: who makes them is
    another, and pgbench's figure leaves out connecting too. With *is_locking* every posting first
    takes the row of one balance, as a ledger would that keeps one for accounts everybody shares.
    """
    own, ids = runtime(book.url), book.ids
    with own.reading() as tx:
        today = business_day.get(tx).date
    handler = own.service.handlers[rig.TYPE]
    if is_locking:

        def locking(tx: sa.Connection, batch: Any, now: Any) -> None:
            tx.execute(sa.text("UPDATE pg_balance SET debits = debits + 1 WHERE id = 1"))
            handler.handle(tx, batch, now)

        changed = {**own.service.handlers, rig.TYPE: replace(handler, handle=locking)}
        own.service = replace(own.service, handlers=changed)
    given = [accepted(own, ids[n % len(ids)], today) for n in range(MESSAGES)]
    delivery.deliver_many(own, given[:size])
    gc.freeze()  # as a worker does
    together.wait()
    begun, done = time.monotonic(), size
    while time.monotonic() - begun < SECONDS and done < MESSAGES:
        delivery.deliver_many(own, given[done : done + size])
        done += size
    rates.put((done - size) / (time.monotonic() - begun))


def posted(
    book: Book,
    clients: int,
    *,
    size: int = 1,
    is_apart: bool = False,
    is_locking: bool = False,
) -> float:
    """Payments a second of *clients*, in one database or *is_apart* in one each."""
    spawn = multiprocessing.get_context("spawn")
    together, rates = spawn.Barrier(clients), spawn.Queue()
    more = {"is_locking": is_locking}
    with book.copied(clients, is_apart=is_apart) as parts:
        processes = [
            spawn.Process(target=client, args=(part, size, together, rates), kwargs=more)
            for part in parts
        ]
        for process in processes:
            process.start()
        total = sum(rates.get() for _ in processes)
        for process in processes:
            process.join()
    return float(total)


def pgbench(book: Book) -> float:
    """Postings a second of pgbench's four clients, balances locked in order."""
    with book.copied(1) as (copy,):
        return _pgbench(copy.url)


def _pgbench(url: str) -> float:
    parts = sa.make_url(url)
    program = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))[-1]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(LOCKED)
        script.flush()
        done = subprocess.run(
            [program, "-n", "-c", str(CLIENTS), "-j", "1", "-T", "3", "-M", "prepared",
             "-f", script.name, "-h", parts.host, "-p", str(parts.port or 5432),
             "-U", parts.username, parts.database],
            check=True, capture_output=True, text=True, env={**os.environ, "PGPASSWORD": ""},
        )  # fmt: skip
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


def measure() -> None:
    """Print goals 6 and 7."""
    with rig.database() as url:
        book = boarded(url, CONTRACTS)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(TABLES)
            connection.exec_driver_sql("VACUUM ANALYZE")
        engine.dispose()
        found = rig.interleaved(
            pgbench=lambda: pgbench(book),
            batched=lambda: posted(book, CLIENTS, size=BATCH),
            single=lambda: posted(book, CLIENTS),
        )
        shared = rig.interleaved(
            apart=lambda: posted(book, CROWD, is_apart=True),
            crowd=lambda: posted(book, CROWD),
            locking=lambda: posted(book, CROWD, is_locking=True),
        )
    rig.line(
        "6 posting",
        ">= 0.60 of pgbench, 4 clients",
        f"{found['batched'] / found['pgbench']:.2f} in batches, "
        f"{found['single'] / found['pgbench']:.2f} one per transaction",
        ", ".join(f"{name} {value:.0f}/s" for name, value in found.items()),
    )
    rig.line(
        "7 shared clearing account",
        ">= 0.80 of uncontended, >= 3x locking first",
        f"{shared['crowd'] / shared['apart']:.2f}; "
        f"{shared['crowd'] / shared['locking']:.2f}x locking first",
        ", ".join(f"{name} {value:.0f}/s" for name, value in shared.items()),
    )


if __name__ == "__main__":
    measure()
