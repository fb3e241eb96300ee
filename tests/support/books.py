"""What clients of a cluster were answered, and whether its databases say the same of the money."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from carport.allinone import databases
from carport.allinone.suite import SERVICES
from carport.allinone.verify import verify

from support.client import eventually
from support.cluster import Cluster

QUIET_S_MAX = 60.0
RECEIPTS = """
SELECT substr(j.reference, length('payment:') + 1), sum(e.amount)
FROM journal j JOIN entry e ON e.journal_id = j.id AND e.side = 'debit'
WHERE j.kind = 'payment' GROUP BY j.id ORDER BY 1
"""
UNSENT = "SELECT count(*) FROM deliveries WHERE state IN ('queued', 'sending')"
REVERSALS = """
SELECT o.reference, count(*) FROM journal r JOIN journal o ON o.id = r.reverses_id
WHERE o.kind = 'payment' GROUP BY 1
"""


class Books:
    """*accepted* is every payment a client was told of, with its amount."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.accepted: dict[str, int] = {}

    def settle(self) -> None:
        """Until nothing is on its way; then each accepted payment has one receipt, nothing else has
        one, and every invariant holds."""
        eventually(lambda: not self.one("notifications", UNSENT), "all mail to be sent")
        eventually(lambda: not self.findings(), "every invariant to hold", within_s=QUIET_S_MAX)
        assert self.receipts() == sorted(self.accepted.items())

    def receipts(self) -> list[tuple[str, int]]:
        """The payments that accounts has booked: one entry per journal."""
        return [(row[0], int(row[1])) for row in self.rows("accounts", RECEIPTS)]

    def reversals(self, payment_id: str) -> int:
        """How often the receipt of a payment was taken back."""
        found = {row[0]: int(row[1]) for row in self.rows("accounts", REVERSALS)}
        return found.get(f"payment:{payment_id}", 0)

    def findings(self) -> list[dict[str, str]]:
        """What `carport verify` finds, facts of this moment included."""
        runtimes = {service.name: databases.runtime(service, self.cluster.database(service.name),
                                                    "sandbox") for service in SERVICES}  # fmt: skip
        try:
            return verify(runtimes, grace=timedelta(0)).findings
        finally:
            for runtime in runtimes.values():
                runtime.engine.dispose()

    def rows(self, service: str, query: str, **values: Any) -> list[Any]:
        """What a query of a service's database gives."""
        with self.cluster.engine(service).connect() as connection:
            return list(connection.execute(sa.text(query), values).all())

    def one(self, service: str, query: str, **values: Any) -> Any:
        """The one value it gives, None where there is no row."""
        rows = self.rows(service, query, **values)
        return rows[0][0] if rows else None

    def event(self, service: str, type_: str, of: str) -> str:
        """The id of the last event a service says of something, once it has said one."""
        query = (
            "SELECT event_id FROM outbox WHERE type = :type_ AND body LIKE :of ORDER BY seq DESC"
        )
        asked = {"type_": type_, "of": f"%{of}%"}
        return str(eventually(lambda: self.one(service, query, **asked), f"{type_} of {of}"))

    def is_sent(self, service: str, event_id: str) -> bool:
        """Whether the event is marked as sent."""
        query = "SELECT sent_at IS NOT NULL FROM outbox WHERE event_id = :id"
        return bool(self.one(service, query, id=event_id))

    def heard(self, service: str, event_id: str) -> str | None:
        """The state of the event in a service's inbox; None while nobody has heard of it."""
        state = self.one(service, "SELECT state FROM inbox WHERE event_id = :id", id=event_id)
        return None if state is None else str(state)
