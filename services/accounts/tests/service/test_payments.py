from __future__ import annotations

import itertools

import pytest
from carport.accounts.commands import payments
from carport.shared import inbox
from sqlalchemy.exc import IntegrityError


def figures(account):
    names = ("balance", "principal", "fees", "past_due", "days_past_due", "unapplied", "payoff",
             "payments_made", "accrued_interest")  # fmt: skip
    return {name: account[name] for name in names}


def test_w1_a_partial_payment_covers_interest_before_principal(make):
    suite = make("2025-04-30")
    account = suite.board()
    paid = suite.pay(account, 100000)
    (posted,) = suite.published("payment_posted", payment_id=paid.data["payment_id"])
    assert posted["allocation"] == {
        "interest": 58677, "principal": 41323, "fees": 0, "rental": 0, "tax": 0, "unapplied": 0,
    }  # fmt: skip
    seen = suite.account(account)
    assert (seen["principal"], seen["fees"], seen["past_due"]) == (2958677, 5000, 76052)
    assert suite.verify() == []


def test_f1_a_late_fee_falls_in_the_close_of_the_day_after_grace(make):
    suite = make("2025-05-04")
    account = board_paid(suite)
    suite.move("2025-05-05")
    assert suite.account(account)["fees"] == 0
    suite.move("2025-05-06")
    assert suite.account(account)["fees"] == 2500
    (fee,) = suite.published("late_fee_assessed", number=3)
    assert (fee["number"], fee["assessed_on"], fee["booked_on"]) == (3, "2025-05-05", "2025-05-05")


def board_paid(suite):
    """The sample contract with its first two instalments paid on their due dates."""
    account = suite.board()
    for due in ("2025-02-24", "2025-03-24"):
        suite.pay(account, 58684, effective_on=due)
    return account


@pytest.mark.parametrize(
    ("paid_on", "interest", "balance"),
    [("2025-04-14", 10908, 2873623), ("2025-04-24", 16103, 2878818),
     ("2025-05-04", 21297, 2884012), ("2025-05-05", 21817, 2884532)],
)  # fmt: skip
def test_interest_runs_to_the_day_a_payment_is_effective(make, paid_on, interest, balance):
    suite = make(paid_on)
    account = board_paid(suite)
    paid = suite.pay(account, 58684)
    (posted,) = suite.published("payment_posted", payment_id=paid.data["payment_id"])
    assert posted["allocation"]["interest"] == interest
    assert suite.account(account)["principal"] == balance


def test_a_payment_back_dated_into_grace_removes_the_late_fee(make):
    suite = make("2025-05-06")
    account = board_paid(suite)
    assert suite.account(account)["fees"] == 2500
    suite.pay(account, 58684, effective_on="2025-05-02")
    assert suite.account(account)["fees"] == 0
    (removed,) = suite.published("late_fee_removed", number=3)
    assert (removed["number"], removed["booked_on"]) == (3, "2025-05-06")
    assert suite.verify() == []


def test_n1_a_returned_payment_leaves_the_account_as_if_it_was_never_paid(make):
    returned, never = make("2025-04-24"), make("2025-04-24")
    seen = []
    for suite in (returned, never):
        account = board_paid(suite)
        if suite is returned:
            paid = suite.pay(account, 58684)
        suite.move("2025-04-26")
        if suite is returned:
            suite.give_back(paid)
        seen.append(figures(suite.account(account)))
    assert seen[0] == seen[1]
    (reversed_,) = returned.published("payment_reversed")
    assert (reversed_["cause"], reversed_["code"], reversed_["effective_on"]) == (
        "returned", "R01", "2025-04-24"
    )  # fmt: skip
    assert returned.verify() == []


def test_a_return_after_grace_brings_the_late_fee_back(make):
    suite = make("2025-05-06")
    account = board_paid(suite)
    paid = suite.pay(account, 58684, effective_on="2025-05-02")
    suite.move("2025-05-08")
    suite.give_back(paid)
    assert suite.account(account)["fees"] == 2500
    assert len(suite.published("late_fee_assessed", number=3)) == 2
    assert suite.verify() == []


def test_a_cancelled_payment_is_taken_out_and_later_ones_are_allocated_anew(make):
    suite = make("2025-02-24")
    account = suite.board()
    first, second = suite.pay(account, 58684), suite.pay(account, 10000)
    suite.cancel(first)
    kinds = [line["type"] for line in suite.transactions(account)]
    assert kinds == ["payment_reversal", "payment", "payment", "boarding"]
    (line,) = (x for x in suite.transactions(account)
               if x.get("payment_id") == second.data["payment_id"])  # fmt: skip
    assert line["allocation"]["interest"] == 10000
    assert suite.verify() == []


def test_cancelling_a_payment_that_was_never_accepted_changes_nothing(suite):
    account = suite.board()
    paid = suite.pay(account, 5000)
    before = suite.account(account)
    suite.announced.clear()
    event = suite.cancel(paid, was_accepted=False)
    assert event and suite.account(account) == before


def test_the_same_event_twice_posts_once_even_when_the_inbox_was_pruned(suite):
    account = suite.board()
    paid = suite.pay(account, 58684)
    before = suite.account(account)
    with suite.runtime.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM inbox")
    suite.deliver("", None, subject="", event=paid)
    assert suite.account(account) == before
    assert len(suite.published("payment_posted")) == 1
    with suite.runtime.reading() as tx:
        assert inbox.unfinished(tx) == []


def test_the_ledger_itself_refuses_a_second_receipt(suite):
    account = suite.board()
    suite.pay(account, 58684)
    with (
        pytest.raises(IntegrityError, match="reference"),
        suite.runtime.transaction() as tx,
    ):
        tx.exec_driver_sql(
            "INSERT INTO journal SELECT 'x', chain, 99, contract_id, kind, reference, effective_on,"
            " booked_on, posted_at, currency, amount, balance_after, reverses_id, source_event_id,"
            " prev_hash, hash FROM journal WHERE kind = 'payment'"
        )


def test_the_same_return_twice_reverses_once(suite):
    account = suite.board()
    paid = suite.pay(account, 58684)
    suite.give_back(paid)
    suite.give_back(paid)
    assert len(suite.published("payment_reversed")) == 1
    assert suite.verify() == []


def test_payments_end_the_same_in_whatever_order_they_arrive(make):
    dates = ("2025-02-20", "2025-03-24", "2025-04-24")
    ends = set()
    for order in itertools.permutations(dates):
        suite = make("2025-05-06")
        account = suite.board()
        for day in order:
            suite.pay(account, 58684, effective_on=day)
        ends.add(tuple(figures(suite.account(account)).items()))
        assert suite.verify() == []
    assert len(ends) == 1


def test_a_return_that_comes_before_its_payment_waits_for_it(suite):
    account = suite.board()
    paid = suite.pay(account, 58684)
    twin = {**paid.data, "payment_id": paid.data["payment_id"][:-1] + "0"}
    ghost = paid.__class__(**{**vars(paid), "data": twin})
    suite.give_back(ghost)
    assert suite.published("payment_reversed") == []
    suite.pay(account, 58684, payment_id=twin["payment_id"])
    suite.settle()
    assert len(suite.published("payment_reversed")) == 1


@pytest.mark.parametrize("days_ahead", [0, 1])
def test_an_event_of_a_day_that_is_not_open_waits_for_it(suite, day, days_ahead):
    account = suite.board()
    tomorrow = suite.today + day
    effective_on = (suite.today + days_ahead * day).isoformat()
    paid = {"payment_id": "0197a3c2-6f20-7abc-8def-0123456789ab", "account_id": account,
            "amount": 1000, "currency": "USD", "effective_on": effective_on}  # fmt: skip
    suite.deliver("payments.payment_accepted.v1", paid, subject=account, on=tomorrow)
    assert suite.published("payment_posted") == []
    suite.move(tomorrow.isoformat())
    (posted,) = suite.published("payment_posted")
    assert posted["booked_on"] == tomorrow.isoformat()


def test_a_payment_for_an_unknown_account_waits(suite):
    suite.pay("0197a3c2-6f21-7abc-8def-0123456789ab", 1000)
    suite.settle()
    with suite.runtime.reading() as tx:
        (state,) = tx.exec_driver_sql("SELECT state FROM inbox").one()
    assert state == "waiting"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "CAD"}, "currency_mismatch"),
        ({"effective_on": "2025-01-09"}, "before_contract"),
    ],
)
def test_a_payment_that_cannot_be_posted_is_rejected_with_a_reason(suite, change, code):
    account = suite.board()
    suite.pay(account, 1000, **change)
    (rejected,) = suite.published("payment_rejected")
    assert rejected["reason"]["code"] == code
    assert suite.published("payment_posted") == []


def test_cancelling_a_payment_that_was_rejected_meanwhile_does_not_hold_the_day(suite):
    account = suite.board()
    paid = suite.pay(account, 1000, currency="EUR")
    suite.cancel(paid)
    assert suite.published("payment_reversed") == []
    with suite.runtime.reading() as tx:
        assert inbox.unfinished(tx) == []


def test_a_rejected_payment_is_rejected_once_and_its_return_changes_nothing(suite):
    account = suite.board()
    paid = suite.pay(account, 1000, currency="CAD")
    with suite.runtime.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM inbox")
    suite.deliver("", None, subject="", event=paid)
    suite.give_back(paid)
    assert len(suite.published("payment_rejected")) == 1
    assert suite.published("payment_reversed") == []
    suite.move("2025-01-11")


def test_a_payment_that_was_given_back_is_not_posted_when_its_account_opens_again(
    suite, monkeypatch
):
    account = suite.board()
    with monkeypatch.context() as closed:
        closed.setattr(payments, "refusal", lambda *_: "account_closed")
        paid = suite.pay(account, 1000)
    with suite.runtime.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM inbox")
    suite.deliver("", None, subject="", event=paid)
    assert len(suite.published("payment_rejected")) == 1
    assert suite.published("payment_posted") == []


def test_a_lease_has_no_principal_to_prepay(suite, lease):
    account = suite.board(lease)
    suite.pay(account, 1000, extra="principal")
    (rejected,) = suite.published("payment_rejected")
    assert rejected["reason"]["code"] == "extra_not_allowed"


def test_the_exact_payoff_closes_a_loan_and_a_return_opens_it_again(make):
    suite = make("2025-03-10")
    account = suite.board()
    payoff = suite.account(account)["payoff"]
    paid = suite.pay(account, payoff)
    assert suite.account(account)["status"] == "paid_off"
    assert suite.account(account)["balance"] == 0
    assert suite.published("paid_off") == [{"account_id": account, "paid_off_on": "2025-03-10"}]
    suite.move("2025-03-12")
    suite.give_back(paid)
    seen = suite.account(account)
    assert seen["status"] == "active"
    assert len(suite.published("reopened")) == 1
    assert suite.verify() == []


def test_money_above_the_payoff_becomes_a_credit_balance(make):
    suite = make("2025-03-10")
    account = suite.board()
    suite.pay(account, suite.account(account)["payoff"] + 1234)
    seen = suite.account(account)
    assert (seen["status"], seen["balance"], seen["unapplied"]) == ("paid_off", -1234, 1234)
    suite.pay(account, 1000)
    assert suite.account(account)["unapplied"] == 2234
    assert suite.verify() == []


def test_all_interest_of_a_loan_that_is_paid_off_is_income(make):
    suite = make("2025-03-10")
    account = suite.board()
    payoff = suite.account(account)["payoff"]
    suite.pay(account, payoff)
    suite.move("2025-03-11")
    rows = suite.staff("GET", "/v1/staff/trial-balance").json["data"]
    balances = {row["account"]: row["balance"] for row in rows}
    assert balances["interest_income"] == payoff - 3000000 - balances["fee_income"]
    assert balances["interest_receivable"] == balances["principal"] == 0


def test_a_lease_payment_goes_to_the_oldest_rental_and_the_rest_waits(make, lease):
    suite = make("2025-02-03")
    account = suite.board(lease)
    suite.pay(account, 50772 + 10000, effective_on="2025-01-05")
    seen = suite.account(account)
    assert (seen["past_due"], seen["unapplied"], seen["payments_made"]) == (0, 10000, 1)
    suite.move("2025-02-05")
    seen = suite.account(account)
    assert (seen["unapplied"], seen["balance"]) == (0, 40772)
    assert suite.verify() == []
