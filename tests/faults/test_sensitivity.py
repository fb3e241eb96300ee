"""The suite notices: each defect of ``seeded`` makes a test of the suite fail, and for that reason.

A defect is put into a run of its own, which is green without it. What the runs need of servers they
find where this one has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from support import brokers

ROOT = Path(__file__).parents[2]
SEEDED = Path(__file__).parent / "seeded"
AT_ONCE = 2
RUN_S_MAX = 200
SPINE = "shared/tests/test_spine.py"
RELAY, CONSUMER = "tests/integration/test_relay.py", "tests/integration/test_consumer.py"
PAYMENTS = "services/accounts/tests/service/test_payments.py"
pytestmark = pytest.mark.timeout(600)


class Seen(NamedTuple):
    """The test that has to fail, and what it has to say."""

    test: str
    says: str


DEFECTS = {
    "no_inbox": Seen(
        f"{SPINE}::test_the_same_event_delivered_again_has_no_second_effect",
        "assert ['once', 'once', 'once'] == ['once']",
    ),
    "ack_before_commit": Seen(
        f"{CONSUMER}::test_a_message_whose_worker_is_killed_before_the_commit_comes_again",
        "not within 10 s: ('kill it',)",
    ),
    "mark_before_confirm": Seen(
        f"{RELAY}::test_a_confirm_that_never_comes_marks_nothing_and_costs_the_connection",
        "assert 1 == 0",
    ),
    "confirms_off": Seen(
        f"{RELAY}::test_a_cut_in_the_middle_of_a_batch_loses_nothing",
        "assert 1200 < 1200",
    ),
    "mandatory_off": Seen(
        f"{RELAY}::test_what_cannot_be_routed_stays_unsent_until_the_topology_is_declared_again",
        "assert 2 == 0",
    ),
    "claim_by_position": Seen(
        "tests/integration/test_postgresql.py::"
        "test_an_event_that_commits_after_a_later_one_is_sent_too",
        "assert ['later'] == ['later', 'early']",
    ),
    "no_fence": Seen(f"{SPINE}::test_a_relay_that_lost_its_lease_marks_nothing", "assert 1 == 0"),
    "no_key_unique": Seen(
        "shared/tests/test_idempotency.py::"
        "test_a_repeated_request_gets_the_first_answer_byte_for_byte",
        "At index 1 diff",
    ),
    "read_then_write": Seen(
        f"{PAYMENTS}::test_a_cancelled_payment_is_taken_out_and_later_ones_are_allocated_anew",
        "I-04",
    ),
    "reversal_not_unique": Seen(
        f"{PAYMENTS}::test_the_same_return_twice_reverses_once", "assert 2 == 1"
    ),
    "day_closed_twice": Seen(
        "shared/tests/test_jobs.py::test_two_runners_that_found_a_chunk_due_do_it_once",
        "assert 2 == 0",
    ),
    "revoked_in_memory": Seen(
        "tests/integration/test_auth_replicas.py::"
        "test_no_replica_lets_in_a_session_whose_end_was_answered",
        "assert 200 == 401",
    ),
    "float_money": Seen(
        "shared/tests/test_money.py::test_half_a_cent_goes_away_from_zero_and_nothing_else_does",
        "assert 1 == 0",
    ),
}


@pytest.fixture(scope="module")
def runs(era, postgres, broker, valkey_url):
    """The run with each defect, and one with none."""
    found = {
        "TEST_ENGINE": "none",
        "TEST_POSTGRES_URL": postgres(era).url.render_as_string(hide_password=False),
        "TEST_VALKEY_URL": valkey_url,
    }

    def run(defect):
        tests = [seen.test for name, seen in DEFECTS.items() if defect in (None, name)]
        with brokers.own_host(broker) as host:
            return outcome(tests, {**found, "TEST_AMQP_URL": host, "SEEDED": defect or ""})

    every = [None, *DEFECTS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(every, pool.map(run, every), strict=True))


def outcome(tests, env):
    """What pytest says of *tests*, until the first that fails."""
    path = os.pathsep.join([str(SEEDED), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path, **env}, capture_output=True, text=True,
        timeout=RUN_S_MAX,
    )  # fmt: skip


def test_without_a_defect_all_of_these_tests_pass(runs):
    told = runs[None]
    assert told.returncode == 0, told.stdout[-4000:] + told.stderr
    assert "skipped" not in told.stdout


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_noticed_by_its_test_and_for_its_reason(runs, defect):
    told, seen = runs[defect], DEFECTS[defect]
    assert told.returncode == pytest.ExitCode.TESTS_FAILED, told.stdout[-4000:] + told.stderr
    lines = told.stdout.splitlines()
    assert [line for line in lines if line.startswith(f"FAILED {seen.test}")], told.stdout[-4000:]
    assert [line for line in lines if line.startswith("E ") and seen.says in line], told.stdout


def test_no_defect_is_kept_that_nobody_notices():
    assert {path.stem for path in SEEDED.glob("*.py")} == {*DEFECTS, "sitecustomize"}
