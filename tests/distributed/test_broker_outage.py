"""F11: the broker is killed for a minute while customers pay; three workers share the posting."""

from __future__ import annotations

import time

import sqlalchemy as sa
from support.cluster import SERVICES

RATE_PER_S = 8
OUTAGE_S = 60.0
DRAINED_S_MAX = 30.0
LOOK_EVERY_S = 1.0
ANSWER_S_MAX = 3.0
SHARING = ("accounts-worker", "accounts-worker-2", "accounts-worker-3")
POSTED = 'carport_handled_total{outcome="done",type="payments.payment_accepted.v1"'
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND created_at < :before"
UNPOSTED = "SELECT count(*) FROM payment WHERE state <> 'posted' AND created_at < :before"
UNDONE = "SELECT count(*) FROM inbox WHERE state <> 'done' AND received_at < :before"


def test_a_minute_without_the_broker_refuses_nobody_and_is_caught_up_within_half_a_minute(
    cluster, own_broker, traffic
):
    with traffic(rate_per_s=RATE_PER_S) as load:
        load.go_on(5)
        own_broker.kill()
        killed_at = now(cluster)
        load.go_on(OUTAGE_S)
        assert left(cluster, "payments", UNSENT, now(cluster)) > 0.9 * RATE_PER_S * OUTAGE_S
        own_broker.start()
        back_at, began = now(cluster), time.monotonic()
        assert (back_at - killed_at).total_seconds() >= OUTAGE_S
        lefts = [backlog(cluster, back_at)]
        while lefts[-1] and time.monotonic() - began < DRAINED_S_MAX:
            load.go_on(LOOK_EVERY_S)
            lefts.append(backlog(cluster, back_at))
    assert lefts[-1] == 0, lefts
    assert (load.told.wrong, load.told.busy) == ([], [])
    assert load.told.slowest_s < ANSWER_S_MAX
    assert all(cluster.metric(worker, POSTED) for worker in SHARING)
    print(f"{lefts}; slowest {load.told.slowest_s:.2f} s")


def backlog(cluster, before):
    """What was said before and has not come to its end: sent, handled, posted."""
    unsent = sum(left(cluster, service, UNSENT, before) for service in SERVICES)
    undone = sum(left(cluster, service, UNDONE, before) for service in SERVICES)
    return unsent + undone + left(cluster, "payments", UNPOSTED, before)


def left(cluster, service, query, before):
    return int(cluster.scalar(service, query, before=before))


def now(cluster):
    """The time of the databases."""
    with cluster.engine("payments").connect() as connection:
        return connection.execute(sa.text("SELECT now()")).scalar_one()
