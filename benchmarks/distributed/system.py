"""Goal 15: payment accepted -> posted -> receipt queued through the whole distributed system at a
steady rate, and the memory of each role. The clocks compared are those of one machine."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from support.client import Api, eventually
from support.cluster import Cluster
from support.traffic import Household, household

from benchmarks.distributed import rig

RATE_PER_S = 50
PAYMENTS = 500
CONTRACTS = 90
WARM_UP = 100
CLIENTS = 8
ACCEPTED = "SELECT payment_id AS id, {at} AS at FROM payment_step WHERE state = 'accepted'"
POSTED = """SELECT split_part(reference, ':', 2) AS id, {at} AS at FROM journal
    WHERE kind = 'payment'"""
RECEIPTS = """SELECT key AS id, {at} AS at FROM messages WHERE kind = 'payment_posted'"""
COMMITTED = "pg_xact_commit_timestamp(xmin)"
"""Of rows that never change; a server that does not keep it knows only when the work began."""


def pay(house: Household, number: int) -> None:
    """Orders at the rate, by several clients at once so that a slow answer holds up no other."""
    customer, accounts, begun = house.log_in(), house.accounts, time.monotonic()

    def one(index: int) -> None:
        time.sleep(max(0.0, begun + index / RATE_PER_S - time.monotonic()))
        customer.pay(accounts[index % len(accounts)], house.method_id, 100 + index)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(number)))


def times(cluster: Cluster, service: str, query: str, begun: str) -> dict[str, datetime]:
    """When each payment was committed in a service's database; *begun* is the column with the time
    its transaction began, for a server that does not keep the other."""
    with cluster.engine(service).connect() as connection:
        keeps = connection.exec_driver_sql("SHOW track_commit_timestamp").scalar() == "on"
        found = connection.exec_driver_sql(query.format(at=COMMITTED if keeps else begun))
        return {row.id: row.at for row in found}


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
            house = household(api, api.staff(), CONTRACTS)
            pay(house, WARM_UP)
            pay(house, PAYMENTS)
            eventually(lambda: len(receipts(cluster)) >= WARM_UP + PAYMENTS)
            told = spans(cluster)[WARM_UP:]
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


def receipts(cluster: Cluster) -> dict[str, datetime]:
    """When the receipt of each payment was queued."""
    return times(cluster, "notifications", RECEIPTS, "created_at")


def spans(cluster: Cluster) -> list[tuple[float, float]]:
    """For each payment in order: milliseconds from accepted to posted, and to its receipt."""
    accepted = times(cluster, "payments", ACCEPTED, "at")
    posted, queued = times(cluster, "accounts", POSTED, "posted_at"), receipts(cluster)

    def ms(later: datetime, earlier: datetime) -> float:
        return (later - earlier).total_seconds() * 1000

    return [
        (ms(posted[id_], at), ms(queued[id_], at))
        for id_, at in sorted(accepted.items(), key=lambda pair: pair[1])
    ]


if __name__ == "__main__":
    measure()
