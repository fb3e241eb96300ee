"""Use cases of a day: tell that a lease nears its end, and be done with the day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from carport.lease import events, repo
from carport.lease.domain.milestones import notice_due
from carport.shared import business_day, db, outbox

NOTICES_MAX = 500
"""Notices given in one transaction, or taken on by the job in one round."""


def tell_maturity(tx: Connection, account_id: str, now: datetime) -> None:
    """Say once for each notice and maturity date that the lease nears its end."""
    day = business_day.hold(tx).date
    standing = repo.standing(tx, account_id, day)
    if standing is None or not standing.is_open:
        return
    notice = notice_due(standing.days_to_maturity)
    if notice is None:
        return
    if repo.record_notice(tx, account_id, standing.maturity_date, notice, day):
        event = events.maturity_approaching(
            account_id,
            maturity_date=standing.maturity_date,
            days_left=standing.days_to_maturity,
            now=now,
            day=day,
        )
        outbox.add(tx, event)


def end_day(tx: Connection, day: date, now: datetime) -> None:
    """Announce that everything of *day* has been said, and stand on the next day.

    Both happen under the lock of the day's row, which every command that dates something holds:
    what comes later is of the next day. Notices not given yet are given first; what a limit leaves
    over is given on the next day. Does nothing when *day* is not the open one any more.
    """
    if business_day.lock(tx).date != day:
        return
    next_local_time = repo.announced_day_end(tx, day)
    if next_local_time is None:
        return
    for account_id in repo.leases_to_notify(tx, day, NOTICES_MAX):
        tell_maturity(tx, account_id, now)
    counts = outbox.count_of_day(tx, day, events.COUNTED)
    outbox.add(tx, events.day_done(day, counts=counts, now=now))
    business_day.open_day(tx, day + timedelta(days=1), time.fromisoformat(next_local_time))
    db.wake(tx, "jobs")
