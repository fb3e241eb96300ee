"""Goal 5: the inbox around a plain handler (a journal of four entries and an event) in batches,
against one event per transaction and against the same rows written without any of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import sqlalchemy as sa
from carport.shared import delivery, events
from carport.shared.db import Runtime

from benchmarks.distributed import rig

EVENTS = 2_000
EVENTS_SINGLE = 500


def delivered(runtime: Runtime, size: int, number: int) -> float:
    """Events a second through the inbox, *size* in a transaction."""
    messages = rig.messages(number)
    rig.clean(runtime)
    begun = time.perf_counter()
    for start in range(0, number, size):
        delivery.deliver_many(runtime, messages[start : start + size])
    return number / (time.perf_counter() - begun)


def database_only(runtime: Runtime, url: str, size: int, number: int) -> float:
    """Events a second as bare rows: the same tables, columns and commits by the driver alone."""
    rig.clean(runtime)
    given = rig.make_events(number)
    body = events.make(rig.POSTED, subject="x", data=given[0].data, now=given[0].time).to_json()
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    rows = [
        (
            (e.id, e.type, e.source, e.subject, e.time),
            (e.id, e.subject, e.time),
            [(e.id, account, 200) for account in rig.ACCOUNTS],
            (f"out-{e.id}", rig.POSTED, e.subject, body, e.time),
        )
        for e in given
    ]
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        begun = time.perf_counter()
        for start in range(0, number, size):
            some = rows[start : start + size]
            cursor.executemany(
                "INSERT INTO inbox (event_id, type, source, subject, state, received_at)"
                " VALUES (%s, %s, %s, %s, 'done', %s) ON CONFLICT DO NOTHING",
                [row[0] for row in some],
            )
            cursor.executemany(
                "INSERT INTO plain_journal VALUES (%s, %s, %s)", [row[1] for row in some]
            )
            cursor.executemany(
                "INSERT INTO plain_entry VALUES (%s, %s, %s)",
                [one for row in some for one in row[2]],
            )
            cursor.executemany(
                "INSERT INTO outbox (event_id, type, subject, body, created_at)"
                " VALUES (%s, %s, %s, %s, %s)",
                [row[3] for row in some],
            )
            connection.commit()
        return number / (time.perf_counter() - begun)


def measure() -> None:
    """Print goal 5."""
    with rig.database() as url:
        runtime = rig.runtime(url, rig.post)
        sides: dict[str, Callable[[], float]] = {
            "one": lambda: delivered(runtime, 1, EVENTS_SINGLE),
            "ten": lambda: delivered(runtime, 10, EVENTS),
            "hundred": lambda: delivered(runtime, 100, EVENTS),
            "bare_ten": lambda: database_only(runtime, url, 10, EVENTS),
            "bare_hundred": lambda: database_only(runtime, url, 100, EVENTS),
        }
        found = rig.interleaved(**sides)
        runtime.engine.dispose()
    rig.line(
        "5 handler",
        ">= 3x at 10, >= 5x at 100; >= 0.50 of the database alone",
        f"{found['ten'] / found['one']:.1f}x, {found['hundred'] / found['one']:.1f}x; "
        f"{found['ten'] / found['bare_ten']:.2f} at 10, "
        f"{found['hundred'] / found['bare_hundred']:.2f} at 100",
        ", ".join(f"{name} {value:.0f}/s" for name, value in found.items()),
    )


if __name__ == "__main__":
    measure()
