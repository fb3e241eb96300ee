"""The crash points by name and number; roles of a cluster that are to fall at them, one after the
other, and the proof that they did: the line the failpoint wrote and the process killed with it."""

from __future__ import annotations

import json
import signal
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from support.client import eventually
from support.cluster import Cluster

REQUEST = [
    "request.after_read",
    "idempotency.after_claim",
    "idempotency.before_commit",
    "idempotency.after_commit",
]
RELAY = ["relay.after_claim", "relay.before_confirm", "relay.after_publish"]
CONSUMER = [
    "consumer.after_receive",
    "consumer.after_claim",
    "consumer.before_commit",
    "consumer.after_commit",
]
CARD = [
    "effect.processor.before_call",
    "processor.after_capture",
    "effect.processor.after_call",
]
MAIL = ["effect.mail.before_call", "effect.mail.after_call"]
RETURN = ["return.after_stored", "reversal.before_commit"]
AUTH = ["auth.after_rotation", "auth.after_session_key_deleted"]
JOBS = {
    "accounts-worker": ["job.close_day.before_commit"],
    "lease-worker": ["job.maturity_notices.before_commit", "job.day_end.before_commit"],
    "payments-worker": [
        "job.begin_scheduled.before_commit",
        "job.send_to_bank.before_commit",
        "job.settle.before_commit",
        "job.clear.before_commit",
    ],
    "auth-worker": ["job.forget.before_commit"],
}
DRIVEN = {*REQUEST, *RELAY, *CONSUMER, *CARD, *MAIL, *RETURN, *AUTH, *chain(*JOBS.values())}
ELSEWHERE = {"migrate.before_commit": "tests/integration/test_migrations.py"}

PAYMENT_PATH = [*REQUEST, *RELAY, *CONSUMER, *CARD]
NUMBERED = {
    **dict(enumerate(PAYMENT_PATH, start=1)),
    20: "return.after_stored",
    21: "reversal.before_commit",
    22: "auth.after_rotation",
    23: "auth.after_session_key_deleted",
    25: "effect.mail.before_call",
    26: "effect.mail.after_call",
}
"""The points by their number in the list of those that every build has to be killed at."""
NOT_THERE = {
    15: "no provider calls us, so there is no webhook to answer",
    16: "there is no autopay whose due rows could be selected",
    17: "nor are there drafts of it to die between",
    18: "a file is an entry at the sandbox's bank, made in the transaction that records it",
    19: "so it cannot have been sent and not be recorded",
    24: "a new password and the end of the other sessions are one transaction",
    27: "how a lease ends cannot be chosen yet",
    28: "so there is no accepted quote without a payoff",
}

FALL_S_MAX = 60.0
CLAIMS = {
    "payments": ["UPDATE processor_call SET claimed_until = now() WHERE claimed_until IS NOT NULL"],
    "notifications": ["UPDATE deliveries SET due_at = now() WHERE state = 'sending'"],
}
LEASES = [
    "UPDATE lease SET expires_at = now() - interval '1 second'",
    "UPDATE inbox SET next_attempt_at = now() WHERE state = 'retry'",
]


class Doomed:
    """The role *name* of *cluster*; a web role falls with the one worker of its server."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.point = ""
        self._log = cluster.folder / f"{name}.log"
        self._known = 0

    def arm(self, point: str, action: str = "kill") -> None:
        """Start the role again, now with *action* at *point*."""
        self.point = point
        self._start(CARPORT_FAILPOINT=f"{point}:{action}")

    def revive(self) -> None:
        """Start the role again, as it is."""
        self.point = ""
        self._start()

    def stop(self) -> None:
        """End it gracefully, if it has not fallen."""
        self.cluster.end(self.name)

    def said(self) -> list[str]:
        """The lines of its log since it was armed."""
        return self._log.read_bytes()[self._known :].decode(errors="replace").splitlines()

    def hits(self) -> list[dict[str, Any]]:
        """What the failpoint has said since the role was armed."""
        said = [json.loads(s) for s in self.said() if s.startswith('{"event": "failpoint"')]
        return [each for each in said if each["point"] == self.point]

    def until_hit(self) -> int:
        """The process that came to the point."""
        hits = eventually(self.hits, f"{self.name} at {self.point}", within_s=FALL_S_MAX)
        return int(hits[0]["pid"])

    def until_fallen(self) -> None:
        """Until the process that came to the point was killed there; the whole role is gone."""
        pid, process = self.until_hit(), self.cluster.processes[self.name]
        if pid == process.pid:
            assert process.wait(FALL_S_MAX) == -signal.SIGKILL, self.cluster.logs(self.name)
            return
        buried = f"Worker (pid:{pid}) was sent SIGKILL!"
        eventually(lambda: buried in "".join(self.said()), buried)
        assert not Path(f"/proc/{pid}").exists()
        self.cluster.kill(self.name)
        process.wait(FALL_S_MAX)

    def forget_claims(self) -> None:
        """Have leases, attempts and claims of the fallen run out now and not in up to a minute."""
        service = self.name.split("-")[0]
        with self.cluster.engine(service).begin() as tx:
            for statement in (*LEASES, *CLAIMS.get(service, ())):
                tx.execute(sa.text(statement))

    def _start(self, **env: str) -> None:
        self.stop()
        if self.name.endswith("-worker"):
            self.forget_claims()
        self._known = self._log.stat().st_size
        self.cluster.spawn(self.name, **env)
        if self.name.endswith("-web"):
            eventually(lambda: self.cluster.answers(self.name), f"{self.name} to be ready")
