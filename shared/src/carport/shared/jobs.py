"""Jobs: work of a business day in chunks, each committed once (UNIQUE job, date, chunk)."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import sqlalchemy as sa

from carport.shared import failpoints, lease, metrics, retry, telemetry
from carport.shared.db import SPINE, Day, Runtime, Text, UtcDateTime, insert_if_absent, table
from carport.shared.service import Chunk, Job

RUNNER = "jobs"
log = telemetry.logger("carport.jobs")

job_run = table(
    "job_run",
    SPINE,
    sa.Column("job", Text, primary_key=True),
    sa.Column("business_date", Day, primary_key=True),
    sa.Column("chunk", Text, primary_key=True),
    sa.Column("done_at", UtcDateTime, nullable=False),
)


def run_once(runtime: Runtime, token: str) -> int:
    """Run every chunk that is due now; how many were done. Nothing without the lease.

    A chunk that fails holds up no other: its error is raised when all have been tried.
    """
    done, failures, unit = 0, [], runtime.service.name
    for name, job, chunk in _due(runtime, token):
        outcome = "done"
        try:
            with telemetry.working(unit, f"job {name}", "INTERNAL", None):
                done += retry.retrying(partial(_run, runtime, token, name, job, chunk))
        except Exception as error:  # noqa: BLE001 - raised below
            log.error("chunk failed", job=name, business_date=str(chunk[0]), chunk=chunk[1])
            failures.append(error)
            outcome = "failed"
        metrics.count("carport_job_chunks_total", unit, name, outcome)
    if failures:
        raise failures[0]
    return done


def _due(runtime: Runtime, token: str) -> list[tuple[str, Job, Chunk]]:
    now = runtime.clock()
    with runtime.reading() as tx:
        if tx.execute(sa.select(lease.taken(RUNNER, token, now))).scalar():
            return []
        return [
            (name, job, chunk)
            for name, job in runtime.service.jobs.items()
            for chunk in job.chunks(tx, now)
            if not _is_done(tx, name, chunk)
        ]


def _is_done(tx: sa.Connection, name: str, chunk: Chunk) -> bool:
    day, key = chunk
    query = sa.select(job_run.c.job).where(
        job_run.c.job == name, job_run.c.business_date == day, job_run.c.chunk == key
    )
    return tx.execute(query).first() is not None


def _run(runtime: Runtime, token: str, name: str, job: Job, chunk: Chunk) -> bool:
    now: datetime = runtime.clock()
    with runtime.transaction() as tx:
        if not lease.take(tx, RUNNER, token, now):
            return False
        claim = {"job": name, "business_date": chunk[0], "chunk": chunk[1]}
        if not insert_if_absent(tx, job_run, done_at=now, **claim):
            return False
        job.run(tx, chunk[1], now)
        failpoints.hit(f"job.{name}.before_commit")
    return True
