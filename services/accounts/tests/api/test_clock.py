from __future__ import annotations

from dataclasses import replace

import pytest
from carport.shared.db import Runtime
from carport.shared.web import create_app

CLOCK = "/v1/sandbox/clock"


def put(suite, **body):
    answer = suite.call("PUT", CLOCK, body)
    return answer.status_code, answer.json.get("code")


def test_the_clock_says_where_it_stands_and_where_it_goes(suite):
    stands = {"business_date": "2025-01-10", "local_time": "12:00", "moving_to": None}
    assert suite.call("GET", CLOCK).json == stands
    assert put(suite, business_date="2025-01-12") == (202, None)
    assert suite.call("GET", CLOCK).json["moving_to"] == "2025-01-12"
    suite.settle()
    assert suite.call("GET", CLOCK).json == {**stands, "business_date": "2025-01-12"}


def test_the_present_date_is_no_move(suite):
    assert put(suite, business_date="2025-01-10") == (200, None)
    assert put(suite, business_date="2025-01-10", local_time="12:00") == (200, None)
    assert put(suite, business_date="2025-01-10", local_time="13:00") == (422, "invalid_value")


def test_the_clock_never_goes_back(suite):
    assert put(suite, business_date="2025-01-09") == (409, "clock_backwards")
    assert put(suite, business_date="2025-01-15") == (202, None)
    assert put(suite, business_date="2025-01-14") == (409, "clock_backwards")
    assert put(suite, business_date="2025-01-15") == (202, None)
    assert put(suite, business_date="2025-01-16", local_time="20:30") == (202, None)
    suite.settle()
    assert suite.call("GET", CLOCK).json["local_time"] == "20:30"


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "required"), ({"business_date": "2025-02-30"}, "invalid_date"),
     ({"business_date": "2199-01-01"}, "invalid_date"), ({"business_date": 5}, "invalid_date"),
     ({"business_date": "2025-01-11", "local_time": "25:00"}, "invalid_value"),
     ({"business_date": "2025-01-11", "local_time": "9:00"}, "invalid_value"),
     ({"business_date": "2025-01-11", "zone": "UTC"}, "unknown_field")],
)  # fmt: skip
def test_a_bad_move_is_refused(suite, body, code):
    assert put(suite, **body) == (422, code)


def test_the_clock_does_not_exist_in_production(suite):
    settings = replace(suite.runtime.settings, env="production")
    runtime = Runtime(suite.runtime.service, settings, suite.runtime.engine)
    client = create_app(runtime).test_client()
    assert client.get(CLOCK).status_code == client.put(CLOCK, json={}).status_code == 404


@pytest.mark.parametrize("day", ["2025-01-09", "2025-13-01", "today", "2025-01-10"])
def test_an_override_of_a_day_that_is_not_closing_is_not_found(suite, day):
    answer = suite.staff(
        "POST", f"/v1/staff/day-closes/{day}/override", {"reason": "long enough"}, scope="operator"
    )
    assert answer.status_code == 404
