"""Goal 15: payment accepted -> posted -> receipt queued through the whole distributed system at a
steady rate, and the memory of each role. The clocks compared are those of one machine."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa
from support.client import Api, contract, eventually
from support.cluster import Cluster

from benchmarks.distributed import rig

RATE_PER_S = 50
PAYMENTS = 500
CONTRACTS = 100
WARM_UP = 100
CLIENTS = 8
ACCEPTED = """SELECT subject, id, created_at FROM (
    SELECT body::json->'data'->>'payment_id' AS id, subject, created_at FROM outbox
    WHERE type = 'payments.payment_accepted.v1') accepted"""
RECEIPTS = """SELECT event_id, received_at FROM inbox
    WHERE type = 'accounts.payment_posted.v1' AND state = 'done'"""


def prepared(api: Api) -> tuple[Api, list[str], str]:
    """A customer of many contracts with a way to pay."""
    staff = api.staff()
    documents = [contract(contract_date=api.today()) for _ in range(CONTRACTS)]
    owner = documents[0]["customers"]
    accounts = [staff.board(document | {"customers": owner})["id"] for document in documents]
    method_id = api.register(documents[0], "bench@example.com").add_bank_account()

    def sees_all() -> bool:
        return len(api.log_in("bench@example.com").get("/v1/accounts?limit=200")["data"]) >= 100

    eventually(sees_all)
    return api.log_in("bench@example.com"), accounts, method_id


def pay(customer: Api, accounts: list[str], method_id: str, number: int) -> None:
    """Orders at the rate, by several clients at once so that a slow answer holds up no other."""
    begun = time.monotonic()

    def one(index: int) -> None:
        time.sleep(max(0.0, begun + index / RATE_PER_S - time.monotonic()))
        customer.pay(accounts[index % len(accounts)], method_id, 100 + index)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(number)))


def rows(cluster: Cluster, service: str, query: str) -> list[sa.Row[tuple[object, ...]]]:
    """What a service's database says."""
    with cluster.engine(service).connect() as connection:
        return list(connection.execute(sa.text(query)))


def rss_mib(cluster: Cluster) -> dict[str, float]:
    """Resident memory of each role, its supervisor left out."""
    found = {}
    for name, process in cluster.processes.items():
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        pid = children[0] if children else process.pid
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        found[name] = int(next(x for x in status if x.startswith("VmRSS:")).split()[1]) / 1024
    return found


def measure() -> None:
    """Print goal 15 and the memory."""
    with rig.virtual_host() as vhost, tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder), postgres=rig.POSTGRES, amqp=vhost, valkey=f"{rig.VALKEY}/9")
        try:
            api = Api(cluster.start().url)
            customer, accounts, method_id = prepared(api)
            pay(customer, accounts, method_id, WARM_UP)
            skipped = len(rows(cluster, "payments", ACCEPTED))
            pay(customer, accounts, method_id, PAYMENTS)
            total = skipped + PAYMENTS
            eventually(lambda: len(rows(cluster, "notifications", RECEIPTS)) >= total)
            told = spans(cluster)[skipped:]
            memory = rss_mib(cluster)
        finally:
            cluster.stop()
    posted, queued = [span[0] for span in told], [span[1] for span in told]
    rig.line(
        "15 whole system",
        "receipt queued p50 <= 15 ms, p99 <= 40 ms at 50/s",
        f"p50 {rig.quantile(queued, 0.5):.1f} ms, p99 {rig.quantile(queued, 0.99):.1f} ms",
        f"posted p50 {rig.quantile(posted, 0.5):.1f} ms, p99 {rig.quantile(posted, 0.99):.1f} ms, "
        f"{len(told)} payments",
    )
    shown = ", ".join(f"{name} {value:.0f}" for name, value in sorted(memory.items()))
    rig.line("memory", "web <= 120 MiB, worker <= 110 MiB", "RSS in MiB", shown)


def spans(cluster: Cluster) -> list[tuple[float, float]]:
    """For each payment in order: milliseconds from accepted to posted, and to its receipt."""
    accepted = {row.id: row.created_at for row in rows(cluster, "payments", ACCEPTED)}
    query = "SELECT event_id, body::json->'data'->>'payment_id' AS id, created_at FROM outbox" \
        " WHERE type = 'accounts.payment_posted.v1'"  # fmt: skip
    posted = {row.id: (row.event_id, row.created_at) for row in rows(cluster, "accounts", query)}
    receipts = {row.event_id: row.received_at for row in rows(cluster, "notifications", RECEIPTS)}

    def ms(later: object, earlier: object) -> float:
        return (later - earlier).total_seconds() * 1000

    return [
        (ms(posted[id_][1], at), ms(receipts[posted[id_][0]], at))
        for id_, at in sorted(accepted.items(), key=lambda pair: pair[1])
    ]


if __name__ == "__main__":
    measure()
