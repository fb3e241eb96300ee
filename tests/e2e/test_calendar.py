"""The worked numbers, to the cent, through the API: one walk of the calendar from 2025-01-01.

Numbers that are terms only are read from a dry run.
"""

from __future__ import annotations

from typing import Any

import pytest
from support import walk
from support.client import SAMPLE, SAMPLE_LEASE, Api, contract
from support.running import Running
from support.walk import World


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("calendar") / "var").start()
    yield walk.begin(Api(running.url))
    verified = running.verify()
    assert verified.stdout.endswith("All invariants hold.\n"), verified.stdout + verified.stderr
    running.kill()


@pytest.mark.timeout(600)
def test_worked_numbers_hold_to_the_cent_over_thirteen_months(world):
    walk.paid_on_every_due_date(world)
    walk.third_instalment_paid_on_four_dates(world)
    walk.nothing_paid_until_the_end_of_april(world)
    walk.late_fees_of_every_kind(world)
    walk.rentals_of_a_lease_are_billed_and_paid(world)
    world.walk()
    assert world.api.today() == "2026-02-01"
    trial = world.staff.get("/v1/staff/trial-balance")
    assert trial["balanced"]


def dry_run(world: World, base: dict[str, Any] = SAMPLE, **changes: Any) -> dict[str, Any]:
    document = {k: v for k, v in contract(base, **changes).items() if v is not None}
    return world.staff.post("/v1/staff/accounts?dry_run=true", document)


def one_month(world: World, principal: int, rate: str, day_count: str, start: str, due: str) -> int:
    answer = dry_run(world, principal=principal, annual_rate=rate, day_count=day_count,
                     contract_date=start, first_due_date=due, payment=None)  # fmt: skip
    return answer["schedule"][0]["interest"]


def test_the_interest_of_a_month_is_that_of_its_day_count(world):
    """A1-A3."""
    april = ("2024-04-01", "2024-05-01")
    assert [
        one_month(world, 2_500_000, "0.0599", "actual/365", *april),
        one_month(world, 2_500_000, "0.0599", "actual/actual", *april),
        one_month(world, 2_500_000, "0.0599", "30/360", *april),
        one_month(world, 500_000, "0.12", "actual/365", "2022-11-01", "2022-12-01"),
        one_month(world, 253_931, "0.12", "actual/365", "2023-02-01", "2023-03-01"),
    ] == [12308, 12275, 12479, 4932, 2338]


def test_the_sample_contract_ends_at_zero_with_its_last_payment_of_686_46(world):
    """Table 2.2, rows 13-60, total interest and the APR of Appendix J."""
    answer = dry_run(world, payment=None)
    last = answer["schedule"][-1]
    assert (answer["payment"], answer["final_payment"]) == (58684, 68646)
    assert (answer["total_interest"], answer["apr"]) == (531002, "0.064848")
    assert (last["number"], last["due_date"], last["interest"], last["principal"],
            last["balance"]) == (60, "2030-01-24", 376, 68270, 0)  # fmt: skip
    assert answer["schedule"][11]["balance"] == 2_482_880


def test_the_payment_of_the_sample_lease_is_507_72(world):
    """L1."""
    answer = dry_run(world, SAMPLE_LEASE, contract_date="2023-03-01", first_due_date="2023-03-01")
    assert answer["payment"] == 50772
    assert answer["payment_parts"] == {
        "depreciation": 37917, "rent": 8986, "base": 46903, "tax": 3869}  # fmt: skip
    assert answer["total_rent"] == 323508
