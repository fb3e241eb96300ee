"""`carport close-status`: where the business day stands, and what its close still waits for."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from carport.accounts.commands import day as saga
from carport.accounts.repo import days
from carport.accounts.tables import contract, day_close
from carport.allinone import databases
from carport.shared import business_day

DAY = timedelta(days=1)


def run(options: argparse.Namespace) -> int:
    """Print it; 1 while no first day has been opened."""
    with databases.reading() as tx:
        dates = {name: date_of(each) for name, each in tx.items()}
        if dates["accounts"] is None:
            print("No business day has been opened yet: does accounts-worker run?")
            return 1
        told = {"business_date": dates["accounts"], "services": dates, **standing(tx["accounts"])}
    print(json.dumps(told, default=str) if options.json else text(told))
    return 0


def date_of(tx: sa.Connection) -> Any:
    """The day a service stands on, None before its first."""
    return business_day.get(tx).date if business_day.is_open(tx) else None


def standing(tx: sa.Connection) -> dict[str, Any]:
    """The close of the open day, if it has begun, and the last one that ended."""
    today, goal = business_day.get(tx).date, days.target(tx)
    return {
        "moving_to": goal[0] if goal and goal[0] > today else None,
        "closing": closing(tx, days.find(tx, today)),
        "last_closed": last_closed(tx),
    }


def closing(tx: sa.Connection, row: dict[str, Any] | None) -> dict[str, Any] | None:
    """How far the close is; None when the day is simply open."""
    if row is None:
        return None
    is_left = contract.c.closed_through < row["date"]
    count = sa.select(sa.func.count()).select_from(contract)
    left = tx.execute(count.where(is_left)).scalar_one()
    return {
        "date": row["date"],
        "step": row["step"],
        "since": row["started_at"],
        "contracts_closed": tx.execute(count).scalar_one() - left,
        "contracts_left": left,
        "waiting_for": saga.missing(tx, row) if row["step"] == "ending" else [],
        "override": row["override"],
    }


def last_closed(tx: sa.Connection) -> dict[str, Any] | None:
    """The day before, as it was closed."""
    columns = (day_close.c.date, day_close.c.closed_at, day_close.c.contracts)
    query = sa.select(*columns).where(day_close.c.step == "done")
    row = tx.execute(query.order_by(day_close.c.date.desc()).limit(1)).mappings().first()
    return None if row is None else dict(row)


def text(told: dict[str, Any]) -> str:
    """For people."""
    lines = [f"Business date {told['business_date']}"]
    others = {name: day for name, day in told["services"].items() if day != told["business_date"]}
    lines += [f"  {name} stands on {day or 'no day yet'}" for name, day in others.items()]
    if told["moving_to"]:
        lines.append(f"  moving to {told['moving_to']}")
    lines += close_lines(told["closing"])
    if last := told["last_closed"]:
        lines.append(f"Last closed: {last['date']} at {last['closed_at'].isoformat()}")
    return "\n".join(lines)


def close_lines(close: dict[str, Any] | None) -> list[str]:
    """How far the close is, for people."""
    if close is None:
        return ["The day is open."]
    counted = f"{close['contracts_closed']} contracts closed, {close['contracts_left']} left"
    lines = [f"Closing {close['date']} since {close['since'].isoformat()}: {counted}."]
    for gap in close["waiting_for"]:
        if gap["type"] is None:
            lines.append(f"  waits for day_done of {gap['source']}: see that its worker runs")
        else:
            had = f"{gap['done']} of {gap['announced']}"
            lines.append(f"  waits for {gap['type']}: {had} done; see `carport events list`")
    return lines
