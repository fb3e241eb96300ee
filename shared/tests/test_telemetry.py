"""Log lines are JSON, carry the ids of what caused them, and no personal data."""

from __future__ import annotations

import json
import logging

import pytest
from carport.shared import telemetry, testing
from carport.shared.events import Event, make
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture(autouse=True)
def configured(capsys):
    telemetry.configure("payments")
    yield
    telemetry.clear()


@pytest.mark.parametrize(
    "text",
    ["mail to sam.o'neil+x@mail.example.com now", "account 2200417783", "ssn 123-45-6789",
     "card 4242 4242 4242 4242", "Bearer eyJhbGciOi.eyJzdWIi.c2ln",
     "key 4fGz81kQpL0aZx93Bn27Wm55Yc68Rt01"],
)  # fmt: skip
def test_personal_data_and_tokens_are_masked(text):
    masked = telemetry.redact({"event": text})["event"]
    assert "[redacted]" in masked
    assert not any(
        part in masked for part in ("example", "2200417783", "6789", "4242", "eyJ", "Wm55")
    )


@pytest.mark.parametrize(
    "key", ["password", "new_password", "refresh_token", "ssn_last4", "Cookie"]
)
def test_members_with_secret_names_are_masked_at_any_depth(key):
    assert telemetry.redact({"a": [{key: "short"}]}) == {"a": [{key: "[redacted]"}]}


def test_ids_and_instants_stay_readable():
    line = {
        "id": new_id(utc_now()),
        "at": "2026-11-22T16:04:33.123456Z",
        "n": 5,
        "day": "2026-11-22",
    }
    assert telemetry.redact(line) == line


def test_every_line_is_json_with_the_bound_ids(capsys):
    telemetry.bind(request_id="abcd-1234")
    telemetry.logger("x").info("done", amount=5)
    logging.getLogger("werkzeug").warning("plain %s", "sam@example.com")
    ours, foreign = lines(capsys)
    assert ours["request_id"] == foreign["request_id"] == "abcd-1234"
    assert (ours["event"], ours["amount"], ours["level"], ours["unit"]) == (
        "done",
        5,
        "info",
        "payments",
    )
    assert foreign["event"] == "plain [redacted]"


def test_a_failure_is_one_line_with_its_traceback(capsys):
    try:
        raise ValueError("sam@example.com")
    except ValueError:
        telemetry.logger("x").exception("failed")
    (line,) = lines(capsys)
    assert "Traceback" in line["exception"] and "example.com" not in line["exception"]


def test_what_a_handler_publishes_follows_from_what_it_handles():
    cause = Event("e1", "a.b_c.v1", "s", utc_now(), {}, correlationid="r1",
                  traceparent=telemetry.child_of(None))  # fmt: skip
    with telemetry.handling(cause, "accounts"):
        assert telemetry.context()["unit"] == "accounts"
        caused = make("a.d_e.v1", subject="s", data={}, now=utc_now())
    assert (caused.correlationid, caused.causationid) == ("r1", "e1")
    assert caused.traceparent.split("-")[1] == cause.traceparent.split("-")[1]
    assert caused.traceparent != cause.traceparent


@pytest.mark.parametrize("given", [None, "", "garbage", "00-xyz-1-01", "ff-" + "0" * 32 + "-1-01"])
def test_an_invalid_trace_context_starts_a_new_trace(given):
    assert telemetry.TRACEPARENT.fullmatch(telemetry.child_of(given))


def test_a_request_leaves_one_line_without_its_content(client, runtime, capsys):
    telemetry.configure("payments")
    capsys.readouterr()
    client.post("/v1/echo", json={"text": "my secret words", "amount": 1})
    client.get("/v1/settings", headers=testing.bearer(runtime, sub=new_id(utc_now())))
    first, second = lines(capsys)
    assert (first["route"], first["status"], first["user"]) == ("/v1/echo", 200, None)
    assert second["user"]
    assert "secret words" not in json.dumps(first)
