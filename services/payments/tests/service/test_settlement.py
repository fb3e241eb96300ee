"""The money itself: files, settlement, the return window, returns, and the mail."""

from __future__ import annotations

from datetime import date, timedelta

import pytest


def walk(suite, first, days):
    for n in range(days):
        suite.end_day(first + timedelta(days=n))


def settle(suite, **body):
    return suite.call("POST", "/v1/sandbox/bank/settlements", body)


def send_back(suite, payment, code="R01"):
    return suite.call(
        "POST", "/v1/sandbox/bank/returns", {"payment_id": payment["id"], "code": code}
    )


def cheque(suite, **changes):
    body = {"account_number": suite.ACCOUNT_NUMBER, "amount": 58_684, "cheque_number": "1201"}
    body = {name: value for name, value in {**body, **changes}.items() if value is not None}
    return suite.call("POST", "/v1/sandbox/lockbox", body)


def test_the_entry_leaves_with_the_file_settles_and_clears_on_banking_days(suite):
    friday = date(2025, 5, 23)  # the Monday after is Memorial Day
    suite.stand_on(friday)
    payment = suite.pay(suite.bank_account())
    suite.post(payment)
    seen = {}
    for n in range(8):
        seen.setdefault(suite.read(payment)["settlement"], friday + timedelta(days=n))
        suite.end_day(friday + timedelta(days=n))
    assert seen == {
        "none": friday,
        "submitted": date(2025, 5, 24),
        "settled": date(2025, 5, 27),
        "cleared": date(2025, 5, 29),
    }
    [row] = suite.rows("SELECT submitted_on, settled_on, cleared_on FROM payment")
    assert tuple(map(str, row.values())) == ("2025-05-23", "2025-05-27", "2025-05-29")
    [event] = suite.published("payment_settled")
    assert event["data"]["settled_on"] == "2025-05-27"


def test_the_file_of_a_day_leaves_once_its_cut_off_is_over(suite):
    payment = suite.pay(suite.bank_account())
    suite.drain()
    assert suite.read(payment)["settlement"] == "none"
    suite.stand_on(suite.MONDAY, "20:00")
    suite.drain()
    assert suite.read(payment)["settlement"] == "submitted"


def test_dates_of_settlement_do_not_depend_on_when_jobs_run(suite):
    payment = suite.pay(suite.bank_account())
    suite.stand_on(date(2025, 5, 20))
    suite.drain()
    [row] = suite.rows("SELECT submitted_on, settled_on, cleared_on FROM payment")
    assert tuple(map(str, row.values())) == ("2025-05-05", "2025-05-06", "2025-05-08")
    assert suite.read(payment)["settlement"] == "cleared"


def test_a_cancelled_payment_never_reaches_the_bank(suite):
    suite.cancel(suite.pay(suite.bank_account()))
    walk(suite, suite.MONDAY, 3)
    assert suite.rows("SELECT * FROM sandbox_bank_entry") == []


def test_the_sandbox_settles_everything_or_what_is_named_at_once(suite):
    method = suite.bank_account()
    first, second, later = (
        suite.pay(method),
        suite.pay(method),
        suite.pay(method, date="2025-05-20"),
    )
    assert settle(suite, payment_ids=[first["id"]]).json == {"settled": 1}
    assert suite.read(first)["settlement"] == "settled"
    assert suite.cancel(first).json["code"] == "too_late_to_cancel"
    assert settle(suite).json == {"settled": 1}
    assert settle(suite).json == {"settled": 0}
    assert suite.read(second)["settlement"] == "settled"
    assert suite.read(later)["settlement"] == "none"
    assert len(suite.published("payment_settled")) == 2


def test_a_return_takes_a_posted_payment_back_once(suite):
    payment = suite.pay(suite.bank_account())
    suite.post(payment)
    walk(suite, suite.MONDAY, 2)
    assert send_back(suite, payment).json == {"status": "applied"}
    assert send_back(suite, payment).json == {"status": "parked"}
    found = suite.read(payment)
    assert (found["state"], found["money_moved"], found["allocation"]) == ("returned", "no", None)
    assert found["reason"]["code"] == "R01"
    [event] = suite.published("payment_returned")
    assert event["businessdate"] == event["data"]["returned_on"] == "2025-05-07"
    assert event["data"]["effective_on"] == "2025-05-05"


def test_a_return_after_the_window_is_honoured_all_the_same(suite):
    payment = suite.pay(suite.bank_account())
    suite.post(payment)
    walk(suite, suite.MONDAY, 10)
    assert suite.read(payment)["settlement"] == "cleared"
    assert send_back(suite, payment, "R10").json == {"status": "applied"}


def test_a_return_that_overtakes_the_posting_waits_for_it(suite):
    payment = suite.pay(suite.bank_account())
    assert send_back(suite, payment).json == {"status": "waiting"}
    assert send_back(suite, payment, "R02").json == {"status": "parked"}
    assert suite.published("payment_returned") == []
    assert suite.cancel(payment).json["code"] == "too_late_to_cancel"
    suite.post(payment)
    assert [s["state"] for s in suite.read(payment)["history"]] == [
        "accepted",
        "posted",
        "returned",
    ]
    assert len(suite.published("payment_returned")) == 1


def test_a_return_of_nothing_we_know_is_parked(suite):
    unknown = {"id": "0197a3c2-7777-7abc-8def-0123456789ab"}
    assert send_back(suite, unknown).json == {"status": "parked"}
    cancelled = suite.pay(suite.bank_account())
    suite.cancel(cancelled)
    assert send_back(suite, cancelled).json == {"status": "parked"}
    card = suite.pay(suite.card())
    suite.drain()
    assert send_back(suite, card).json == {"status": "parked"}
    assert suite.published("payment_returned") == []


@pytest.mark.parametrize("code", ["R99", "C01", "r01"])
def test_a_code_no_bank_sends_is_refused(suite, code):
    answer = send_back(suite, suite.pay(suite.bank_account()), code)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_return_code")


@pytest.mark.parametrize(
    ("code", "status"), [("R01", "usable"), ("R02", "blocked"), ("R10", "blocked")]
)
def test_a_closed_or_disputed_account_is_not_debited_again(suite, code, status):
    method = suite.bank_account()
    payment, later = suite.pay(method), suite.pay(method, date="2025-05-06")
    suite.post(payment)
    send_back(suite, payment, code)
    assert suite.call("GET", "/v1/payment-methods").json["data"][0]["status"] == status
    suite.end_day(suite.MONDAY)
    assert suite.read(later)["state"] == ("accepted" if status == "usable" else "failed")
    answer = suite.order(method)
    assert answer.status_code == (202 if status == "usable" else 409)


def test_a_cheque_counts_on_the_day_the_lockbox_received_it(suite):
    answer = cheque(suite, received_on="2025-05-02")
    assert answer.status_code == 202, answer.json
    assert (answer.json["state"], answer.json["effective_date"]) == ("accepted", "2025-05-02")
    assert answer.json["payment_method"] == {
        "id": None, "type": "cheque", "brand": "Cheque", "last4": "1201"
    }  # fmt: skip
    [event] = suite.published("payment_accepted")
    assert event["businessdate"] == "2025-05-05"
    assert (event["data"]["user_id"], event["data"]["party_id"]) == (None, suite.PARTY)
    assert suite.read(answer.json)["cancellable"] is False


def test_a_cheque_finds_its_account_by_number_or_id(suite):
    assert cheque(suite, cheque_number="1").json["account_id"] == suite.ACCOUNT
    by_id = cheque(suite, account_number=None, account_id=suite.ACCOUNT, cheque_number="2")
    assert by_id.json["account_id"] == suite.ACCOUNT
    assert cheque(suite, account_number="9999999999").status_code == 404
    assert cheque(suite, account_id=suite.ACCOUNT).status_code == 422
    assert cheque(suite, account_number=None).status_code == 422


def test_the_same_cheque_is_credited_once(suite):
    assert cheque(suite).status_code == 202
    again = cheque(suite)
    assert (again.status_code, again.json["code"]) == (409, "duplicate_item")
    assert again.json["money_moved"] == "no"


@pytest.mark.parametrize("day", ["2025-05-06", "2024-11-05", "2025-02-30"])
def test_cheques_from_the_future_and_stale_ones_are_refused(suite, day):
    answer = cheque(suite, received_on=day)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_date")


def test_a_cheque_above_the_payoff_is_taken(suite):
    assert cheque(suite, amount=suite.PAYOFF + 1).status_code == 202


def test_a_cheque_that_bounces_is_returned_like_an_entry(suite):
    payment = cheque(suite).json
    suite.post(payment)
    assert send_back(suite, payment).json == {"status": "applied"}


def test_a_cheque_settles_like_other_money(suite):
    payment = cheque(suite).json
    walk(suite, suite.MONDAY, 2)
    assert suite.read(payment)["settlement"] == "settled"
