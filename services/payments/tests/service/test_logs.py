"""What is written while money moves: ids, never numbers or names."""

from __future__ import annotations

import sys

from carport.shared import telemetry

SECRETS = ("000987654321", "987654321", "021000021", "4242424242424242", "Maria Lopez", "eyJ")


def test_logs_and_events_hold_no_account_number_card_number_name_or_token(
    suite, capfd, monkeypatch
):
    telemetry.configure("payments", level="DEBUG")
    for name, module in list(sys.modules.items()):
        if name.startswith("carport.") and hasattr(module, "log"):
            monkeypatch.setattr(module, "log", telemetry.logger(name))
    payment = suite.pay(suite.bank_account())
    suite.post(payment)
    suite.order(suite.bank_account(), authorization_text_version="4242424242424242")
    bad = {"type": "bank_account", "routing_number": "021000021", "account_number": "000987654321x",
           "account_type": "checking", "holder_name": "Maria Lopez"}  # fmt: skip
    suite.call("POST", "/v1/payment-methods", bad)
    suite.pay(suite.card("tok_timeout"))
    cheque = {"account_number": suite.ACCOUNT_NUMBER, "amount": 5, "cheque_number": "7"}
    suite.call("POST", "/v1/sandbox/lockbox", cheque)
    suite.drain()
    suite.end_day(suite.MONDAY)
    captured = capfd.readouterr()
    written = captured.out + captured.err
    assert "/v1/payments" in written
    said = "".join(map(str, suite.published()))
    for secret in (*SECRETS, suite.ACCOUNT_NUMBER):
        assert secret not in written
        assert secret not in said
    telemetry.configure("payments", level="WARNING")
