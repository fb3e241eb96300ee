"""F17: in each queue an event that cannot be handled and a message that is none, while customers
pay."""

from __future__ import annotations

import uuid

import pika
import sqlalchemy as sa
from carport.shared import inbox
from carport.shared.amqp import topology
from support.client import contract, eventually
from support.cluster import SERVICES

RATE_PER_S = 5
DELAY_S_MAX = 5.0
PARKED_S_MAX = 120
POSTED = "accounts.payment_posted.v1"
TYPES = {"auth": "accounts.identity_recorded.v1", "accounts": "payments.payment_accepted.v1",
         "payments": POSTED, "notifications": POSTED, "lease": POSTED}  # fmt: skip
POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'it is poison'; END $$;
CREATE TRIGGER poison BEFORE INSERT OR UPDATE ON inbox FOR EACH ROW
    WHEN (NEW.type = '{type}' AND NEW.state = 'done' AND NEW.subject NOT IN ({others}))
    EXECUTE FUNCTION poison();
"""
"""As a defect of a handler that shows only with some contracts: nothing of it is committed."""
ANTIDOTE = "DROP TRIGGER poison ON inbox; DROP FUNCTION poison()"
PARKED = (
    "SELECT event_id, type, attempts, error FROM inbox WHERE state = 'parked' ORDER BY attempts"
)
SAID = "SELECT event_id, created_at FROM outbox WHERE created_at >= :since"
HEARD = "SELECT event_id, received_at FROM inbox WHERE state = 'done' AND received_at >= :since"
POSTING = """SELECT max(at) - min(at) AS took FROM payment_step
    WHERE state IN ('accepted', 'posted') AND payment_id = ANY(:ids) GROUP BY payment_id"""
EFFECT = {
    "auth": "SELECT count(*) FROM identity WHERE account_id = :boarded AND match_key IS NOT NULL",
    "accounts": "SELECT count(*) FROM journal WHERE reference = 'payment:' || :stuck",
    "payments": "SELECT count(*) FROM receipt WHERE payment_id = :paid",
    "notifications": "SELECT count(*) FROM messages WHERE kind = 'payment_posted' "
                     "AND account_id = :lease",
    "lease": "SELECT count(*) FROM payments WHERE payment_id = :paid",
}  # fmt: skip


def test_poison_in_each_queue_delays_nobody_and_has_its_effect_once_when_it_is_mended(
    cluster, house, books, own_broker, traffic
):
    since = cluster.scalar("payments", "SELECT now()")
    with traffic(rate_per_s=RATE_PER_S) as load:
        poison(cluster, house)
        garbage(cluster)
        staff, customer = house.api.staff(), house.log_in()
        told = {
            "boarded": staff.board(contract(contract_date=house.api.today()))["id"],
            "stuck": pay(books, customer, house.spare_id, house.method_id),
            "paid": pay(books, customer, house.lease_id, house.method_id),
            "lease": house.lease_id,
        }

        def all_parked():
            return all(len(rows(cluster, service, PARKED)) == 2 for service in SERVICES)

        eventually(all_parked, "all poison to be parked", within_s=PARKED_S_MAX)
    for service in SERVICES:
        unreadable, failed = rows(cluster, service, PARKED)
        assert unreadable.error.startswith("not a CloudEvent")
        assert (failed.type, failed.attempts) == (TYPES[service], inbox.ATTEMPTS_MAX)
        assert "it is poison" in failed.error
        assert effect(cluster, service, told) == 0
    delays = {service: delay_s(cluster, service, since) for service in SERVICES}
    delays["posted"] = posted_s(cluster, list(load.told.accepted))
    assert max(delays.values()) < DELAY_S_MAX, delays
    assert (load.told.wrong, load.told.busy) == ([], [])
    mend(cluster, told)


def poison(cluster, house):
    """Of what comes from now on, that of the load is fine; a payment of the lease is posted."""
    for service, type_ in TYPES.items():
        fine = [*house.accounts, *([house.lease_id] if service == "accounts" else [])]
        others = ", ".join(f"'{each}'" for each in fine)
        change(cluster, service, POISON.format(type=type_, others=others))


def garbage(cluster):
    """A message in each queue that is no event."""
    with pika.BlockingConnection(pika.URLParameters(cluster.env["CARPORT_BUS_URL"])) as connection:
        for service in SERVICES:
            body = uuid.uuid4().bytes
            connection.channel().basic_publish("", topology.queue_of(service), body)


def pay(books, customer, account_id, method_id):
    paid = customer.pay(account_id, method_id, 1_000)
    books.accepted[paid["id"]] = paid["amount"]
    return paid["id"]


def delay_s(cluster, service, since):
    """99 of 100 events that *service* could handle were there sooner after they were said."""
    said = {row.event_id: row.created_at for each in SERVICES
            for row in rows(cluster, each, SAID, since=since)}  # fmt: skip
    heard = [row for row in rows(cluster, service, HEARD, since=since) if row.event_id in said]
    return p99([(row.received_at - said[row.event_id]).total_seconds() for row in heard])


def posted_s(cluster, ids):
    """99 of 100 payments were posted sooner after they were accepted."""
    return p99([row.took.total_seconds() for row in rows(cluster, "payments", POSTING, ids=ids)])


def p99(values):
    return sorted(values)[int(0.99 * len(values))]


def mend(cluster, told):
    """Take the reason away and replay what is parked: once it has its effect, twice it is not
    there."""
    for service in SERVICES:
        change(cluster, service, ANTIDOTE)
    stuck = {rows(cluster, service, PARKED)[1].event_id for service in SERVICES}
    for status in (0, 1):
        for event_id in stuck:
            done = cluster.carport("events", "replay", event_id)
            assert done.returncode == status, done.stdout + done.stderr
        for service in SERVICES:
            eventually(lambda service=service: effect(cluster, service, told) == 1, service)
    for service in SERVICES:
        change(cluster, service, "DELETE FROM inbox WHERE state = 'parked'")  # the garbage


def effect(cluster, service, told):
    return cluster.scalar(service, EFFECT[service], **told)


def rows(cluster, service, query, **values):
    with cluster.engine(service).connect() as connection:
        return list(connection.execute(sa.text(query), values))


def change(cluster, service, statements):
    with cluster.engine(service).begin() as connection:
        connection.exec_driver_sql(statements)
