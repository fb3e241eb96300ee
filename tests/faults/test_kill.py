"""Random kills under load, and one kill at every named crash point of the payment's way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.client import Api, eventually
from support.storm import Storm

KILLS = 100 if os.environ.get("CARPORT_PROOF") else 20
POINTS = [
    "idempotency.before_commit",
    "idempotency.after_commit",
    "relay.after_claim",
    "relay.after_publish",
    "consumer.before_commit",
    "consumer.after_commit",
]


@pytest.mark.timeout(1200)
def test_after_twenty_kills_under_load_every_accepted_payment_is_posted_exactly_once(tmp_path):
    storm = Storm(tmp_path / "var", seed=20)
    try:
        storm.blow(KILLS)
        storm.settle()
        assert len(storm.history.accepted) > 4 * KILLS
    finally:
        storm.end()


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_at_a_crash_point_posts_the_payment_once(tmp_path, point):
    storm = Storm(tmp_path / "var", seed=1)
    try:
        storm.running.stop()
        storm.running.env["CARPORT_FAILPOINT"] = f"{point}:kill"
        storm.running.start()
        order = {"account_id": storm.accounts[0], "currency": "USD", "amount": 4321,
                 "payment_method_id": storm.method_id}  # fmt: skip
        customer, worker = storm.customer(), Path(f"/proc/{storm.running.worker()}")
        storm.order(customer, "crash-point-key-1", order)
        eventually(lambda: not worker.exists(), f"the process to die at {point}")
        storm.running.kill()
        del storm.running.env["CARPORT_FAILPOINT"]
        storm.running.start()
        storm.ask_again()
        storm.settle()
        assert list(storm.history.accepted.values()) == [4321]
    finally:
        storm.end()


def test_a_failpoint_that_is_not_named_kills_nobody(tmp_path):
    storm = Storm(tmp_path / "var", seed=1)
    try:
        storm.running.stop()
        storm.running.env["CARPORT_FAILPOINT"] = "no.such.point:kill"
        storm.running.start()
        customer = storm.customer()
        payment = customer.pay(storm.accounts[0], storm.method_id, 100)
        assert customer.until(payment["id"], "posted")["state"] == "posted"
        assert Api(storm.running.url).get("/status")["status"] == "ok"
    finally:
        storm.end()
