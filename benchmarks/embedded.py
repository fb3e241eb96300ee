"""Start-up, memory and accepted-to-posted time of the embedded suite.

``make bench`` prints the figures of this machine; they are never asserted by a test.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from support.client import Api, contract, eventually
from support.running import Running

STARTS = 5
PAYMENTS = 200
CONTRACTS = 20
ASK_S = 0.005
EMAIL = "bench@example.com"


def rss_mib(process_id: int) -> float:
    """Resident memory of a process and its children, in MiB; pages they share count for each."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    total = 0
    for number in (str(process_id), *children):
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
        total += int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    return total / 1024


def starts(running: Running) -> list[float]:
    """Seconds from the command to a served page of the portal, with all data in place."""
    taken = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        running.start()
        httpx2.get(running.url, trust_env=False).raise_for_status()
        taken.append(time.perf_counter() - begin)
        running.stop()
    return taken


def accepted_to_posted_ms(url: str) -> list[float]:
    """Milliseconds from the 202 of a payment to the first read that shows it posted, by a client
    that asks every 5 ms; the payments go to contracts of one customer in turn."""
    api = Api(url)
    staff = api.staff()
    documents = [contract(contract_date=api.today(), first_due_date="2025-06-24")
                 for _ in range(CONTRACTS)]  # fmt: skip
    owner = documents[0]["customers"]
    accounts = [staff.board(document | {"customers": owner})["id"] for document in documents]
    method_id = api.register(documents[0], EMAIL).add_bank_account()
    eventually(lambda: len(api.log_in(EMAIL).get("/v1/accounts")["data"]) == CONTRACTS)
    customer = api.log_in(EMAIL)
    taken = []
    for number in range(PAYMENTS):
        payment = customer.pay(accounts[number % CONTRACTS], method_id, 100)
        begin = time.perf_counter()
        while customer.get(f"/v1/payments/{payment['id']}")["state"] != "posted":
            time.sleep(ASK_S)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def spread(values: list[float], unit: str) -> str:
    """Median and the 99th percentile."""
    ordered = sorted(values)
    return (
        f"p50 {statistics.median(ordered):.1f} {unit}, "
        f"p99 {ordered[int(len(ordered) * 0.99) - 1]:.1f} {unit}, n={len(ordered)}"
    )


def main() -> None:
    """Print one line a figure."""
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "var", demo=True)
        begin = time.perf_counter()
        running.start()
        out = sys.stdout.write
        out(f"first start with the demo loaded   {time.perf_counter() - begin:.1f} s\n")
        out(f"memory after that start            {rss_mib(running.pid()):.0f} MiB\n")
        running.stop()
        out(f"start to a served page             {spread(starts(running), 's')}\n")
        running.start()
        posted = spread(accepted_to_posted_ms(running.url), "ms")
        out(f"accepted to posted                 {posted}\n")
        used = rss_mib(running.pid())
        out(f"memory after {PAYMENTS} payments          {used:.0f} MiB\n")
        running.kill()


if __name__ == "__main__":
    main()
