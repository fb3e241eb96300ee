"""The day saga of lease: notices once each, then done with the day, in that order."""

from __future__ import annotations

from datetime import date

from carport.lease import commands
from carport.shared import business_day
from carport.shared.kernel.ids import new_id
from carport.shared.outbox import outbox

NOTICE = "lease.maturity_approaching.v1"
DONE = "lease.day_done.v1"


def test_the_first_day_comes_from_accounts(world):
    world.open_day("2025-05-01")
    assert world.today() == date(2025, 5, 1)


def test_a_day_ends_with_one_announcement_and_the_next_day_is_open(world):
    world.open_day("2025-05-01")
    world.end_day("2025-05-01")
    [done] = world.said(DONE)
    assert done.data == {"date": "2025-05-01", "events": {}, "totals": {}}
    assert done.businessdate == date(2025, 5, 1)
    assert world.today() == date(2025, 5, 2)


def test_the_opening_of_a_day_already_open_or_past_moves_nothing(world):
    world.open_day("2025-05-01")
    world.end_day("2025-05-01")
    world.open_day("2025-05-02")
    world.open_day("2025-05-01")
    assert world.today() == date(2025, 5, 2)


def test_days_that_end_out_of_order_and_more_than_once_end_in_order_once(world):
    ends = [
        world.event("accounts.day_ending.v1", {"date": day, "next_local_time": "12:00"})
        for day in ("2025-05-01", "2025-05-02", "2025-05-03")
    ]
    opened = world.event("accounts.day_opened.v1", {"date": "2025-05-01", "local_time": "12:00"})
    world.deliver(*reversed(ends), *ends, opened, *ends)
    world.drain()
    days = [event.data["date"] for event in world.said(DONE)]
    assert days == ["2025-05-01", "2025-05-02", "2025-05-03"]
    assert world.today() == date(2025, 5, 4)
    assert world.unfinished() == []


def test_a_worker_that_wakes_up_late_ends_no_day_again(world):
    world.open_day("2025-05-01")
    world.end_day("2025-05-01")
    with world.runtime.transaction() as tx:
        commands.end_day(tx, date(2025, 5, 1), world.now)
    assert len(world.said(DONE)) == 1
    assert world.today() == date(2025, 5, 2)


def test_the_time_of_the_next_day_is_the_one_accounts_gave(world):
    world.open_day("2025-05-01")
    data = {"date": "2025-05-01", "next_local_time": "21:30"}
    world.say("accounts.day_ending.v1", data)
    with world.runtime.reading() as tx:
        assert business_day.get(tx).local_time.isoformat("minutes") == "21:30"


def test_each_notice_is_given_once_on_its_day(world):
    world.open_day("2025-11-30")
    ends = {"2026-03-01": 90, "2026-01-30": 60, "2025-12-31": 30}
    for maturity_date, days in ends.items():
        account = world.board(maturity_date=maturity_date)
        notices = {"maturity_date": maturity_date, "days_left": days, "account_id": account}
        ends[maturity_date] = notices
    late = {"2026-01-30": 61, "2025-12-31": 31}
    assert {n.data["maturity_date"]: n.data["days_left"] for n in world.said(NOTICE)} == late
    for day in ("2025-11-30", "2025-12-01", "2025-12-02"):
        world.end_day(day)
    of_day = [n for n in world.said(NOTICE) if n.businessdate == date(2025, 12, 1)]
    assert sorted(n.data["days_left"] for n in of_day) == [30, 60, 90]
    assert all(n.data == ends[n.data["maturity_date"]] for n in of_day)
    assert len(world.said(NOTICE)) == len(late) + len(ends)


def test_a_lease_that_comes_late_gets_the_last_notice_it_has_passed(world):
    world.open_day("2026-01-10")
    world.board()
    [notice] = world.said(NOTICE)
    assert notice.data["days_left"] == 50
    world.end_day("2026-01-10")
    assert len(world.said(NOTICE)) == 1


def test_a_notice_of_a_day_is_said_before_the_day_is_done(world):
    world.open_day("2025-11-30")
    account = new_id(world.now)
    world.deliver(
        world.event("accounts.day_ending.v1", {"date": "2025-11-30", "next_local_time": "12:00"}),
        world.event("accounts.account_boarded.v1", world.boarded(account)),
        world.event(
            "accounts.account_changed.v1", world.snapshot(account, maturity_date="2026-02-28")
        ),
    )
    world.drain()
    with world.runtime.reading() as tx:
        types = list(tx.execute(outbox.select().order_by(outbox.c.seq)).scalars("type"))
    assert types[:2] == [NOTICE, DONE]


def test_a_paid_off_lease_gets_no_notice_until_it_is_reopened(world):
    world.open_day("2025-12-01")
    account = world.new_id()
    world.say("accounts.account_boarded.v1", world.boarded(account))
    world.say("accounts.paid_off.v1", {"account_id": account, "paid_off_on": "2025-11-20"})
    world.say("accounts.account_changed.v1", world.snapshot(account))
    assert world.said(NOTICE) == []
    world.say("accounts.reopened.v1", {"account_id": account, "reopened_on": "2025-12-01"})
    world.end_day("2025-12-01")
    assert len(world.said(NOTICE)) == 1


def test_an_extended_lease_is_told_again_for_its_new_end(world):
    world.open_day("2025-12-01")
    account = world.board()
    later = world.snapshot(account, version=2, maturity_date="2026-06-01")
    world.say("accounts.account_changed.v1", later)
    assert len(world.said(NOTICE)) == 1
    later = world.snapshot(account, version=3, maturity_date="2026-02-15")
    world.say("accounts.account_changed.v1", later)
    world.end_day("2025-12-01")
    assert [n.data["maturity_date"] for n in world.said(NOTICE)] == ["2026-03-01", "2026-02-15"]
    assert world.today() == date(2025, 12, 2)
