"""Every invariant that the rows of the five databases can show: each service's own checks, those of
the tables all of them have, and what needs two databases.

One state of each database is read. Facts younger than the grace are on their way and no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from carport.accounts.queries.verify import CHECKS as ACCOUNTS
from carport.allinone import databases
from carport.allinone.suite import SERVICES
from carport.allinone.verify import money, routes, spine
from carport.auth.queries import CHECKS as AUTH
from carport.lease.queries import CHECKS as LEASE
from carport.payments.queries.verify import CHECKS as PAYMENTS
from carport.shared.checks import GRACE, Check
from carport.shared.db import Runtime
from carport.shared.kernel.clock import utc_now

OWN = {"auth": AUTH, "accounts": ACCOUNTS, "payments": PAYMENTS, "lease": LEASE}
Progress = Callable[[str, Check], None]


@dataclass(frozen=True)
class Report:
    """What was checked, and what does not hold."""

    at: datetime
    findings: list[dict[str, str]] = field(default_factory=list)
    checked: list[dict[str, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.findings

    def document(self) -> dict[str, Any]:
        """The report for a machine."""
        at = self.at.isoformat().replace("+00:00", "Z")
        return {"ok": self.ok, "at": at, "findings": self.findings, "checked": self.checked}


def verify(
    runtimes: Mapping[str, Runtime],
    *,
    grace: timedelta = GRACE,
    only: Collection[str] = (),
    progress: Progress = lambda _unit, _check: None,
) -> Report:
    """Check everything, or the invariants *only*. Raises databases.Unusable."""
    now = utc_now()
    report, before = Report(now), now - grace
    with databases.snapshot(runtimes) as tx:
        for unit, check in planned():
            if only and check.invariant not in only:
                continue
            progress(unit, check)
            report.checked.append(
                {"invariant": check.invariant, "unit": unit, "holds": check.holds}
            )
            for found in check.findings(tx.get(unit, tx), before):
                report.findings.append({"invariant": found.invariant, "unit": unit,
                                        "detail": found.detail, "holds": check.holds,
                                        "next": found.remedy})  # fmt: skip
    return report


def planned() -> Iterator[tuple[str, Check]]:
    """Every check with the database, or the two, it looks at."""
    for service in SERVICES:
        for check in (*OWN.get(service.name, ()), *spine.checks(service)):
            yield service.name, check
    yield from routes.checks()
    yield from money.checks()
