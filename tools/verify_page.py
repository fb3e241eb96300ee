"""The table in docs/verify.md, from the checks of `carport verify` themselves."""

from __future__ import annotations

import re

from carport.allinone.verify import planned

HEAD = "| invariant | holds | looked at in | when it does not |\n|---|---|---|---|\n"
END = "<!-- end -->"


def page(text: str) -> str:
    """The page with the table as it has to be."""
    table = HEAD + "".join(lines()) + END
    return re.sub(re.escape(HEAD) + ".*?" + re.escape(END), lambda _: table, text, flags=re.DOTALL)


def lines() -> list[str]:
    """A row for each thing that has to hold, with all places where it is looked at."""
    units: dict[tuple[str, str, str], list[str]] = {}
    for unit, check in planned():
        units.setdefault((check.invariant, check.holds, check.remedy), []).append(unit)
    return [
        f"| {invariant} | {holds} | {', '.join(where)} | {remedy} |\n"
        for (invariant, holds, remedy), where in sorted(units.items(), key=lambda row: row[0][0])
    ]
