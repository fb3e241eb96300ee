"""How fast `verify` reads a ledger of a million entries on PostgreSQL, and in how much memory.

Contracts of five years with all their payments are booked by the service's own code, so every check
has something to do and nothing to find. Beside the seconds of each check stands what a bare loop
over the same rows takes: only the ratio says something about another machine.

    PYTHONPATH=tests python benchmarks/verify.py [CONTRACTS] [DATABASE that is there, or is kept]
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import uuid
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path

import sqlalchemy as sa
from carport.accounts import events
from carport.accounts.api.boarding import Boarding
from carport.accounts.commands import board
from carport.accounts.commands.rebook import rebook_one
from carport.accounts.domain import bookings
from carport.accounts.domain.items import Payment
from carport.accounts.domain.state import balance
from carport.accounts.domain.terms import due_dates
from carport.accounts.queries.verify import CHECKS
from carport.accounts.repo import contracts, items
from carport.accounts.service import SERVICE
from carport.accounts.tables import entry, journal
from carport.shared import business_day, checks, inbox, migrate, outbox, sealed, testing
from carport.shared.body import parse
from carport.shared.db import Runtime, make_engine
from carport.shared.events import make
from carport.shared.kernel.ids import new_id
from support.client import contract

SERVER = os.environ.get(
    "TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
CONTRACTS = 1_900
TODAY = date(2025, 1, 10)
OLD = {"contract_date": "2020-01-10", "first_due_date": "2020-02-24"}
NOW = datetime(2025, 1, 10, 12, tzinfo=UTC)


def open_database(name: str) -> tuple[Runtime, bool]:
    """Accounts on that database; whether it is new."""
    server = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        known = connection.execute(
            sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
        ).first()
        if not known:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = server.url.set(database=name).render_as_string(hide_password=False)
    server.dispose()
    keys = sealed.make_keys()["accounts"]
    settings = testing.settings("accounts", Path(), database_url=url, keys=keys)
    runtime = Runtime(SERVICE, settings, make_engine(url))
    migrate.upgrade(runtime.engine, SERVICE)
    return runtime, not known


def fill(runtime: Runtime, number: int) -> None:
    """*number* contracts, each with 58 payments on its due dates."""
    with runtime.transaction() as tx:
        business_day.open_day(tx, TODAY)
    for done in range(number):
        with runtime.transaction() as tx:
            document = Boarding().load(parse(json.dumps(contract(**OLD)).encode()))
            account_id = board.board(tx, document, now=NOW)["id"]
            pay(tx, contracts.lock(tx, account_id))
        if done % 50 == 0:
            print(f"\r  {done} of {number} contracts booked", end="", file=sys.stderr, flush=True)


def pay(tx: sa.Connection, one: contracts.Contract) -> None:
    """All its payments at once, each with its event in and its event out."""
    facts, rows = [], []
    for due in due_dates(one.terms.first_due_date, one.terms.due_day, one.terms.term_months)[:58]:
        asked = make("payments.payment_accepted.v1", subject=one.id, data={}, now=NOW)
        payment = Payment(id=new_id(NOW), effective_on=due, amount=one.terms.payment)
        inbox.claim(tx, [asked], NOW)
        rows.append(items.as_row(one.id, payment, now=NOW, source_event_id=asked.id))
        receipt = bookings.receipt(payment, contract_id=one.id, booked_on=one.open_day)
        facts.append((payment, receipt))
    items.add(tx, rows)
    booked = rebook_one(tx, one, now=NOW, facts=[receipt for _, receipt in facts])
    for payment, _ in facts:
        told = {"id": payment.id, "amount": payment.amount, "effective_on": payment.effective_on}
        outbox.add(tx, events.payment_posted(
            booked.contract, payment=told, allocation={"principal": payment.amount},
            balance_after=balance(booked.state), booked_on=one.open_day, now=NOW,
        ))  # fmt: skip


def rows_of(tx: sa.Connection) -> int:
    """Journals and entries."""
    count = sa.select(sa.func.count())
    return sum(tx.execute(count.select_from(t)).scalar_one() for t in (journal, entry))


def bare(tx: sa.Connection) -> float:
    """Seconds to read every column of every journal and entry, in order, and do nothing."""
    begin = time.perf_counter()
    lines = sa.select(entry).join(journal, journal.c.id == entry.c.journal_id)
    order = (journal.c.chain, journal.c.seq)
    for _ in chain(checks.stream(tx, sa.select(journal).order_by(*order)),
                   checks.stream(tx, lines.order_by(*order, entry.c.line))):  # fmt: skip
        pass
    return time.perf_counter() - begin


def measure(check: checks.Check, tx: sa.Connection, rows: int, loop: float) -> None:
    """One line of the table."""
    begin, cpu = time.perf_counter(), time.process_time()
    found = len(list(check.findings(tx, NOW)))
    took, spent = time.perf_counter() - begin, time.process_time() - cpu
    name = f"{check.invariant} {check.run.__name__}"
    speed = f"{took:.2f} | {rows / took:,.0f} | {took / loop:.2f} | {spent:.2f}"
    print(f"| {name} | {speed} | {found} |", flush=True)


def main(arguments: list[str]) -> None:
    name = arguments[1] if len(arguments) > 1 else f"carport_verify_{uuid.uuid4().hex[:8]}"
    runtime, is_new = open_database(name)
    if is_new:
        fill(runtime, int(arguments[0]) if arguments else CONTRACTS)
        print(file=sys.stderr)
    with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    with runtime.reading() as tx:
        checks.unhurried(tx)
        rows, loop = rows_of(tx), bare(tx)
        print(f"{rows} journals and entries; a bare loop over them: {loop:.1f} s")
        print("| check | seconds | rows/s | of the bare loop | CPU s | found |")
        print("|---|---|---|---|---|---|")
        for check in CHECKS:
            measure(check, tx, rows, loop)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"Peak memory {peak:.0f} MiB")
    runtime.engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
