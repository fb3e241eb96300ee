"""Geometry of the drawings that pages show as inline SVG. Pure; templates print the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 180
DONE = {"paid"}


@dataclass(frozen=True)
class PaidDown:
    """The balance over the contract: ``done`` and ``ahead`` are point lists, ``here`` is now."""

    done: str
    ahead: str
    here: tuple[float, float]
    first_day: str
    last_day: str
    highest: int
    paid: int
    total: int


def paid_down(rows: Sequence[Mapping[str, Any]]) -> PaidDown | None:
    """The line of a schedule's balances; None where there is nothing to draw."""
    if len(rows) < 2:
        return None
    start = rows[0]["balance"] + rows[0]["principal"]
    balances = [start, *(row["balance"] for row in rows)]
    paid = sum(1 for row in rows if row.get("status") in DONE)
    points = [_point(n, balances) for n in range(len(balances))]
    return PaidDown(
        done=_line(points[: paid + 1]),
        ahead=_line(points[paid:]),
        here=points[paid],
        first_day=rows[0]["due_date"],
        last_day=rows[-1]["due_date"],
        highest=max(balances),
        paid=paid,
        total=len(rows),
    )


def _point(n: int, balances: Sequence[int]) -> tuple[float, float]:
    highest = max(balances) or 1
    return (
        round(n / (len(balances) - 1) * WIDTH, 1),
        round(HEIGHT - max(balances[n], 0) / highest * HEIGHT, 1),
    )


def _line(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
