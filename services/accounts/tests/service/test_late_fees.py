"""The late fee of the day after grace, when money comes on that very day (rule 2.7)."""

from __future__ import annotations


def test_a_payment_on_the_day_after_grace_comes_too_late_for_the_fee(make):
    suite = make("2025-03-06")
    account = suite.board()
    suite.move("2025-03-07")
    suite.pay(account, 58684)
    suite.move("2025-03-08")
    (fee,) = suite.published("late_fee_assessed")
    assert (fee["assessed_on"], fee["booked_on"]) == ("2025-03-07", "2025-03-07")
    assert suite.verify() == []


def test_a_loan_paid_in_full_but_for_its_last_late_fee_has_all_its_interest_as_income(make):
    suite = make("2025-03-05")
    account = suite.board()
    suite.move("2025-03-07")
    suite.pay(account, suite.account(account)["payoff"])
    assert suite.account(account)["status"] == "paid_off"
    suite.move("2025-03-08")
    seen = suite.account(account)
    assert (seen["status"], seen["balance"], seen["fees"]) == ("active", 2500, 2500)
    suite.move("2025-04-01")
    assert books(suite)["interest_receivable"] == 0
    assert suite.verify() == []


def books(suite):
    """The trial balance: cents by account."""
    rows = suite.staff("GET", "/v1/staff/trial-balance").json["data"]
    return {row["account"]: row["balance"] for row in rows}
