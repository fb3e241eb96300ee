"""Logs name ids, never people."""

from __future__ import annotations

import re
import sys
from datetime import timedelta

import pytest
import structlog
from carport.shared import telemetry

NEVER = ("canary@example.com", "Canaryname", "c4n4ry-t0ken-very-secret", "586.84")
CENTS = re.compile(r"\b58684\b")  # as a whole: five digits occur inside many an id


def forget_loggers():
    """Loggers keep the level they were first used with; tests before this one have used them."""
    for module in list(sys.modules.values()):
        logger = getattr(module, "log", None)
        if isinstance(logger, structlog._config.BoundLoggerLazyProxy):
            vars(logger).pop("bind", None)


@pytest.fixture
def logged(world, capfd):
    telemetry.configure("notifications", level="DEBUG")
    forget_loggers()
    yield lambda: "".join(capfd.readouterr())
    telemetry.configure("notifications", level="WARNING")
    forget_loggers()


def test_no_log_line_holds_an_address_a_name_a_secret_or_an_amount(world, logged):
    customer = world.board(first_name="Canaryname", email="canary@example.com")
    order = world.order(customer)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    secret = world.sealed(email="canary@example.com", token="c4n4ry-t0ken-very-secret")
    reset = {"user_id": "u", "sealed": secret, "expires_at": world.in_15_minutes()}
    late = world.event("auth.password_reset_requested.v1", reset)
    world.say("auth.password_reset_requested.v1", reset)
    world.now += timedelta(hours=1)
    world.deliver(late)
    bad = world.board(first_name="Canaryname", email="canary@example.com\r\nBcc: x@example.com")
    order = world.order(bad)
    world.say("payments.payment_accepted.v1", order)
    world.say("accounts.payment_posted.v1", world.posting(order))
    world.client.get("/v1/sandbox/mailbox?to=canary@example.com")
    lines = logged()
    assert lines.count("delivery tried") == 3
    assert "came too late" in lines
    assert [word for word in NEVER if word in lines] == []
    assert not CENTS.search(lines)
