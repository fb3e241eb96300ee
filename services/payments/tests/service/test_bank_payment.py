"""A bank payment from the order to the receipt, with what neighbours hear of it."""

from __future__ import annotations


def test_a_bank_payment_is_accepted_at_once_and_posted_when_accounts_says_so(suite):
    payment = suite.pay(suite.bank_account())
    assert payment["state"] == "accepted"
    assert payment["money_moved"] == "yes"
    assert payment["effective_date"] == "2025-05-05"
    assert payment["cancellable"] is True

    [event] = suite.published("payment_accepted")
    assert event["businessdate"] == "2025-05-05"
    assert event["data"]["payment_id"] == payment["id"]
    assert event["data"]["account_id"] == suite.ACCOUNT
    assert event["data"]["user_id"] == suite.USER
    assert event["data"]["amount"] == 58_684
    assert event["data"]["method"] == {"type": "bank_account", "brand": "Checking", "last4": "6789"}

    suite.post(payment)
    posted = suite.read(payment)
    assert posted["state"] == "posted"
    assert posted["allocation"]["principal"] == 58_684
    assert [step["state"] for step in posted["history"]] == ["accepted", "posted"]
