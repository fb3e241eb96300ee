"""The close of a day as a saga: announce, wait for the others, close contracts, anchor, open.

Every step is short, committed on its own and found again in ``day_close`` after a kill.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from carport.accounts import events
from carport.accounts.commands.close import close_contracts
from carport.accounts.repo import contracts, days
from carport.shared import business_day, inbox, lender, outbox, telemetry
from carport.shared.business_day import NOON
from carport.shared.db import settings, wake
from carport.shared.errors import Conflict, Invalid, NotFound, NotYet

DAY = timedelta(days=1)
MIDNIGHT = time(0)
CHUNK = 500
"""Contracts closed in one transaction."""
IDLE_MAX = 20_000
"""In one step: their rows are locked while it lasts, and payments wait two seconds for a lock."""
MOVE_DAYS_MAX = 3660
SOURCES = ("payments", "lease")
"""Who has to say that its day is done, in ``<source>_done``."""
SANDBOX_FIRST_DAY = date(2025, 1, 1)
log = telemetry.logger("carport.accounts.day")


def next_step(tx: sa.Connection, now: datetime) -> tuple[date, str] | None:
    """The day and the number of the step that can be taken now; None while there is none."""
    if not business_day.is_open(tx):
        return first_day(tx, now), "first"
    today = business_day.get(tx).date
    saga = days.find(tx, today)
    if saga is None:
        return (today, "0") if target(tx, now)[0] > today else None
    if saga["step"] == "closing" or (saga["step"] == "ending" and is_ready(tx, saga)):
        return today, str(saga["steps"])
    return None


def take_step(tx: sa.Connection, now: datetime) -> None:
    """Take the step `next_step` named.

    Raises NotYet when it cannot be taken after all (real time was set back over midnight): with
    nothing done the step stays due.
    """
    if not business_day.is_open(tx):
        open_day(tx, first_day(tx, now), NOON, now)
        return
    today = business_day.lock(tx).date
    saga = days.lock(tx, today)
    if saga is None and target(tx, now)[0] > today:
        begin(tx, today, now)
    elif saga is not None and (saga["step"] == "closing" or is_ready(tx, saga)):
        close_some(tx, saga, now)
    else:
        raise NotYet(f"the close of {today} cannot go on yet")


def first_day(tx: sa.Connection, now: datetime) -> date:
    """The day a new installation starts on."""
    own = settings(tx)
    if own.first_day is not None:
        return own.first_day
    return SANDBOX_FIRST_DAY if own.is_sandbox else local_date(tx, now)


def local_date(tx: sa.Connection, now: datetime) -> date:
    """The calendar day at the lender."""
    return now.astimezone(lender.load(settings(tx).lender_file).zone).date()


def target(tx: sa.Connection, now: datetime) -> tuple[date, time]:
    """Where the clock goes: real time in production, where it was told to in the sandbox."""
    if not settings(tx).is_sandbox:
        return local_date(tx, now), MIDNIGHT
    return days.target(tx) or (date.min, NOON)


def begin(tx: sa.Connection, day: date, now: datetime) -> None:
    """Announce the end of *day* when the clock is to go further."""
    goal, local_time = target(tx, now)
    if goal <= day:
        return
    at_goal = local_time if goal == day + DAY else NOON
    days.begin(tx, day, at_goal, now)
    outbox.add(tx, events.day_ending(day, at_goal, now))


def day_done(tx: sa.Connection, source: str, data: dict[str, Any]) -> None:
    """Keep what *source* said of its day. Raises NotYet before its end was announced."""
    day = date.fromisoformat(data["date"])
    if days.lock(tx, day) is None:
        raise NotYet(f"the end of {day} was not announced")
    days.update(tx, day, **{f"{source}_done": {"events": data["events"], "totals": data["totals"]}})
    wake(tx, "jobs")


def heard(tx: sa.Connection) -> None:
    """What a day may wait for was handled: look again whether it can close, if one is ending."""
    if days.is_ending(tx):
        wake(tx, "jobs")


def is_ready(tx: sa.Connection, saga: dict[str, Any]) -> bool:
    """Whether every event of the day has arrived and was handled, or staff overrode the wait."""
    if any(saga[f"{source}_done"] is None for source in SOURCES):
        return False
    return saga["override"] is not None or not missing(tx, saga)


def missing(tx: sa.Connection, saga: dict[str, Any]) -> list[dict[str, Any]]:
    """What a day still waits for: ``{source, type, announced, done}``; type None: its day_done."""
    found: list[dict[str, Any]] = []
    for source in SOURCES:
        said = saga[f"{source}_done"]
        if said is None:
            found.append({"source": source, "type": None, "announced": 1, "done": 0})
            continue
        if not any(said["events"].values()):
            continue
        done = inbox.count_of_day(tx, source, saga["date"])
        found += [
            {"source": source, "type": type_, "announced": number, "done": done.get(type_, 0)}
            for type_, number in sorted(said["events"].items())
            if done.get(type_, 0) < number
        ]
    return found


def close_some(tx: sa.Connection, saga: dict[str, Any], now: datetime) -> None:
    """Close the day for all idle contracts and some of the others; open the next after the last."""
    day = saga["date"]
    idle = contracts.skip_idle(tx, day, IDLE_MAX)
    chunk = contracts.lock_unclosed(tx, day, CHUNK) if idle < IDLE_MAX else []
    close_contracts(tx, chunk, day, now)
    closed = saga["contracts"] + idle + len(chunk)
    done = {"steps": saga["steps"] + 1, "contracts": closed}
    if contracts.has_unclosed(tx, day):
        days.update(tx, day, step="closing", **done)
        wake(tx, "jobs")
        return
    days.update(tx, day, step="done", closed_at=now, **done)
    log.info("day closed", day=str(day), contracts=closed)
    number, sha256 = days.add_anchor(tx, day)
    outbox.add(tx, events.ledger_anchored(day, contracts=number, sha256=sha256, now=now))
    open_day(tx, day + DAY, time.fromisoformat(saga["next_local_time"]), now)


def open_day(tx: sa.Connection, day: date, local_time: time, now: datetime) -> None:
    """Stand on *day*, say so, let waiting events try again, and go on when there is further."""
    business_day.open_day(tx, day, local_time)
    outbox.add(tx, events.day_opened(day, local_time, now))
    inbox.wake_waiting(tx, now)
    begin(tx, day, now)


def clock(tx: sa.Connection) -> dict[str, Any]:
    """Where the sandbox's clock stands: ``{business_date, local_time, moving_to}``."""
    today = business_day.get(tx)
    goal = days.target(tx)
    return {
        "business_date": today.date,
        "local_time": today.local_time.isoformat("minutes"),
        "moving_to": goal[0] if goal and goal[0] > today.date else None,
    }


def move_clock(tx: sa.Connection, day: date, local_time: time | None) -> bool:
    """Send the clock to *day*; False when it stands there already.

    Raises Conflict (``clock_backwards``) and Invalid.
    """
    today = business_day.lock(tx)
    goal = days.target(tx)
    standing = max((today.date, today.local_time), goal or (date.min, NOON))
    if day < standing[0]:
        detail = f"The clock only moves forward; it stands at or moves to {standing[0]}."
        raise Conflict("clock_backwards", detail)
    if day > today.date + timedelta(days=MOVE_DAYS_MAX):
        raise Invalid("invalid_date", f"At most {MOVE_DAYS_MAX} days ahead.", "/business_date")
    if day == standing[0]:
        if local_time not in (None, standing[1]):
            detail = "local_time is given with a move to a later day; the date alone stays."
            raise Invalid("invalid_value", detail, "/local_time")
        return day > today.date
    days.set_target(tx, day, local_time or NOON)
    wake(tx, "jobs")
    return True


def override(tx: sa.Connection, day: date, *, reason: str, by: str, now: datetime) -> None:
    """Let the close of *day* start without events that will not come.

    Raises NotFound for a day whose end was never announced, Conflict when it needs no override or
    a service has not finished its day.
    """
    saga = days.lock(tx, day)
    if saga is None:
        raise NotFound("The end of this day has not been announced.")
    if saga["step"] != "ending" or saga["override"] is not None:
        raise Conflict("not_held", "This close is not held; nothing was changed.")
    held = missing(tx, saga)
    if any(gap["type"] is None for gap in held):
        detail = "payments or lease has not finished this day. Bring the service back first."
        raise Conflict("day_not_done", detail)
    note = {"reason": reason, "by": by, "at": now.isoformat(), "missing": held}
    days.update(tx, day, override=note)
    wake(tx, "jobs")
