"""`carport verify`: the report for people or, as a line of JSON, for a machine; the exit status."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta

from carport.allinone import databases
from carport.allinone.verify import Report, verify
from carport.shared.checks import GRACE, Check

HOLDS, BROKEN, COULD_NOT = 0, 1, 2


def run(options: argparse.Namespace) -> int:
    """0 when all holds, 1 when something does not, 2 when it could not be checked."""
    try:
        with databases.opened(databases.for_reading()) as runtimes:
            report = verify(
                runtimes,
                grace=GRACE if options.grace is None else timedelta(seconds=options.grace),
                only=options.only,
                progress=show if sys.stderr.isatty() else lambda _unit, _check: None,
            )
    except databases.Unusable as error:
        if options.json:
            print(json.dumps({"ok": False, "error": str(error), "findings": [], "checked": []}))
        print(f"carport: {error}", file=sys.stderr)
        return COULD_NOT
    print(json.dumps(report.document()) if options.json else text(report))
    return HOLDS if report.ok else BROKEN


def show(unit: str, check: Check) -> None:
    """Which check runs now, on one line that is written again and again."""
    print(f"\r\033[K  {unit}: {check.holds}"[:100], end="\r", file=sys.stderr, flush=True)


def text(report: Report) -> str:
    """What does not hold, what to do next, and how much was checked."""
    lines, done = [], set()
    for found in report.findings:
        lines.append(f"{found['invariant']}  {found['unit']}: {found['detail']}")
        done.add((found["invariant"], found["unit"], found["next"]))
    lines += [f"{invariant}  {unit}, next: {next_}" for invariant, unit, next_ in sorted(done)]
    lines.append(f"{len(report.checked)} checks over five databases: {len(report.findings)} found.")
    return "\n".join(lines if report.findings else [*lines, "All invariants hold."])
