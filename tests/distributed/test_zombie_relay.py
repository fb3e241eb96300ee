"""F9: a relay that is paused with messages in hand for twice its lease, and wakes up late."""

from __future__ import annotations

import signal
import time

from carport.shared import lease
from support.client import eventually

ROLE = "payments-worker"
IN_HAND_S = 5
"""How long the relay holds what the broker has confirmed before it marks it: time to be paused."""
HOLDER = "SELECT token FROM lease WHERE name = 'relay'"
CONFIRMED = 'carport_relay_messages_total{outcome="confirmed",unit="payments"}'
OUTBOX = "SELECT event_id, sent_at FROM outbox WHERE type LIKE 'payments.payment%%'"


def test_a_relay_paused_for_twice_its_lease_changes_nothing_when_it_wakes(cluster, traffic):
    zombie = cluster.roll(ROLE, CARPORT_FAILPOINT=f"relay.after_publish:sleep:{IN_HAND_S}")
    with traffic(rate_per_s=2) as load:
        eventually(lambda: "relay.after_publish" in log_of(cluster, zombie), "messages in hand")
        cluster.kill(zombie, signal.SIGSTOP)
        paused_at = time.monotonic()
        in_hand, held_by = unsent(cluster), cluster.scalar("payments", HOLDER)
        assert in_hand
        other = cluster.add(ROLE)
        eventually(lambda: in_hand <= sent(cluster).keys(), "another to send what it had in hand")
        assert cluster.scalar("payments", HOLDER) not in (held_by, None)
        load.go_on(paused_at + 2 * lease.LEASE_S - time.monotonic())
        marked = sent(cluster)
        cluster.kill(zombie, signal.SIGCONT)
        eventually(lambda: cluster.metric(zombie, CONFIRMED) > 0, "the zombie to go on")
        cluster.end(zombie)  # after it has finished what it had begun
        cluster.current[ROLE] = other
    assert {event: sent(cluster)[event] for event in marked} == marked
    assert (load.told.wrong, load.told.busy) == ([], [])


def sent(cluster):
    """When each event was marked as sent."""
    return {row.event_id: row.sent_at for row in rows(cluster) if row.sent_at}


def unsent(cluster):
    return {row.event_id for row in rows(cluster) if not row.sent_at}


def rows(cluster):
    with cluster.engine("payments").connect() as connection:
        return connection.exec_driver_sql(OUTBOX).all()


def log_of(cluster, name):
    return (cluster.folder / f"{name}.log").read_text(errors="replace")
