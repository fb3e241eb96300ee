"""A whole journey leaves no secret in the logs, nor in clear in the database or in events."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from carport.auth import events
from carport.shared import telemetry

PASSWORD = "canary otters in a row"
SECRET_INPUT = {"ssn_last4": "7391", "last_name": "Canaryson", "account_number": "990017734455"}


def found(secrets: list[str], text: str) -> list[str]:
    """Those of `secrets` that `text` holds; four digits, as in many an id, only as a whole."""
    alone = {s for s in secrets if len(s) < 6 and not re.search(rf"(?<![\w.-]){s}(?![\w-])", text)}
    return [secret for secret in secrets if secret in text and secret not in alone]


@pytest.fixture
def journey(suite, capfd):
    """Everything that is logged, and the secrets of the journey."""
    telemetry.configure("auth", level="DEBUG")
    suite.board(number=SECRET_INPUT["account_number"], last_name="Canaryson", ssn="7391")
    email = "canary.person@example.com"
    link = suite.register(**SECRET_INPUT, email=email, password=PASSWORD, username="canaryuser")
    suite.log_in(email, "wrong otters all over")
    issued = suite.log_in(email, PASSWORD, device="canary-device").json
    renewed = suite.refresh(issued["refresh_token"], device="canary-device").json
    suite.post("/v1/auth/password-resets", {"email": email})
    reset = suite.mail(events.PASSWORD_RESET_REQUESTED)["token"]
    suite.post("/v1/auth/username-reminders", {"email": email})
    suite.post("/v1/auth/email-verifications", {"token": link})
    body = {"token": reset, "password": PASSWORD + " new"}
    assert suite.post("/v1/auth/password-resets/confirmations", body).status_code == 204
    suite.post("/v1/auth/tokens", ["garbage"])
    suite.call("POST", "/v1/auth/registrations", suite.application(email="bad@@example.com"))
    secrets = [
        PASSWORD,
        link,
        reset,
        issued["access_token"],
        issued["refresh_token"],
        renewed["access_token"],
        renewed["refresh_token"],
        "canary-device",
        *SECRET_INPUT.values(),
    ]
    logged = "".join(capfd.readouterr())
    telemetry.configure("auth", level="WARNING")
    return suite, logged, secrets


def test_logs_hold_no_token_password_address_or_name(journey):
    _, logged, secrets = journey
    assert '"event": "login"' in logged
    assert found(secrets, logged) == []
    assert "@example.com" not in logged
    assert "canaryuser" not in logged


def test_the_database_holds_no_secret_in_clear(journey):
    suite, _, secrets = journey
    tables = sa.MetaData()
    with suite.runtime.reading() as tx:
        tables.reflect(tx)
        rows = [row for table in tables.sorted_tables for row in tx.execute(sa.select(table))]
    dump = "\n".join(map(str, rows))
    allowed = {SECRET_INPUT["account_number"]}
    assert set(found(secrets, dump)) <= allowed
    assert "Canaryson" not in dump


def test_events_carry_no_secret_in_clear(journey):
    suite, _, secrets = journey
    said = "".join(event.to_json() for event in suite.published())
    assert found(secrets, said) == []
    personal = [event.type for event in suite.published() if "@example.com" in event.to_json()]
    assert set(personal) == {events.CONTACT_VERIFIED}
