"""The bad-input catalogue on the routes of auth: status and code are those of the table."""

from __future__ import annotations

import pytest

REGISTRATIONS = "/v1/auth/registrations"
POSTS = [
    REGISTRATIONS,
    "/v1/auth/email-verifications",
    "/v1/auth/tokens",
    "/v1/auth/password-resets",
    "/v1/auth/password-resets/confirmations",
    "/v1/auth/username-reminders",
]


def raw(suite, path, body, *, content_type="application/json", method="POST", **headers):
    return suite.http().open(
        path, method=method, data=body, content_type=content_type, headers=headers
    )


def assert_problem(answer, status, code):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"a":1,}', 400, "malformed_json"),
        (b"{}{}", 400, "malformed_json"),
        (b"[]", 400, "malformed_json"),
        (b'"x"', 400, "malformed_json"),
        (b"null", 400, "malformed_json"),
        (b'\xef\xbb\xbf{"a":1}', 400, "malformed_json"),
        (b'{"a":"\xff"}', 400, "malformed_json"),
        (b'{"a":NaN}', 400, "malformed_json"),
        (b'{"a":1e999}', 400, "malformed_json"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "too_deep"),
        (b'{"email":"a","emai\\u006c":"b"}', 400, "duplicate_member"),
        (b'{"is_staff":true}', 422, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bodies_that_are_no_object_of_ours_are_refused(suite, path, body, status, code):
    answer = raw(suite, path, body)
    assert answer.status_code == status
    if code:
        assert_problem(answer, status, code)
    else:
        assert "unknown_field" in {flaw["code"] for flaw in answer.json["errors"]}


@pytest.mark.parametrize("path", POSTS)
def test_other_media_methods_and_sizes_are_refused(suite, path):
    assert_problem(
        raw(suite, path, b"a=1", content_type="text/plain"), 415, "unsupported_media_type"
    )
    answer = raw(suite, path, b"{}", method="DELETE")
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    huge = b'{"email":"' + b"a" * 65_536 + b'"}'
    assert_problem(raw(suite, path, huge), 413, "payload_too_large")


@pytest.mark.parametrize(
    "member",
    ["role", "user_id", "email_verified", "is_staff", "scopes", "id", "party_id", "account_ids"],
)
def test_members_the_server_decides_are_refused(boarded, member):
    answer = boarded.post(REGISTRATIONS, boarded.application(**{member: "x"}))
    assert_problem(answer, 422, "unknown_field")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "a@b"}, "invalid_email"),
        ({"email": '"x"@h'}, "invalid_email"),
        ({"email": "a@[127.0.0.1]"}, "invalid_email"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "invalid_email"),
        ({"email": "a" * 320 + "@example.com"}, "invalid_email"),
        ({"email": "ana@\u0435xample.com"}, "invalid_email"),
        ({"email": ["a@example.com"]}, "invalid_type"),
        ({"email": None}, "invalid_type"),
        ({"email": "a\0@example.com"}, "invalid_characters"),
        ({"email": "a\u202e@example.com"}, "invalid_characters"),
        ({"password": "short"}, "weak_password"),
        ({"password": "kettles otters"}, "weak_password"),
        ({"password": " " * 20}, "weak_password"),
        ({"password": ""}, "weak_password"),
        ({"password": "otter kettle " * 316}, "weak_password"),
        ({"password": "passwordpassword"}, "weak_password"),
        ({"password": "carport otters here"}, "weak_password"),
        ({"password": "ana.rivera otters 7"}, "weak_password"),
        ({"password": {"a": 1}}, "invalid_type"),
        ({"username": "ana@home"}, "invalid_username"),
        ({"username": "x"}, "invalid_username"),
        ({"username": "<script>alert(1)</script>"}, "invalid_username"),
        ({"zip": "7500"}, "invalid_value"),
        ({"zip": "\uff17\uff15\uff10\uff10\uff11"}, "invalid_value"),
        ({"ssn_last4": 4821}, "invalid_type"),
        ({"ssn_last4": "48211"}, "invalid_value"),
        ({"ssn_last4": "\u0664\u0668\u0662\u0661"}, "invalid_value"),
        ({"last_name": ""}, "out_of_range"),
        ({"last_name": "  "}, "out_of_range"),
        ({"last_name": "x" * 101}, "out_of_range"),
        ({"last_name": "R\nX"}, "invalid_characters"),
        ({"account_number": True}, "invalid_type"),
        ({"account_number": "1" * 41}, "out_of_range"),
        ({"terms_version": "0"}, "terms_outdated"),
    ],
    ids=str,
)
def test_registrations_with_bad_members_are_refused(boarded, change, code):
    answer = boarded.post(REGISTRATIONS, boarded.application(**change))
    assert_problem(answer, 422, code)
    (member,) = change
    assert answer.json["errors"][0]["pointer"].startswith(f"/{member}")


@pytest.mark.parametrize(
    "member", ["account_number", "last_name", "zip", "ssn_last4", "email", "password"]
)
def test_every_member_of_a_registration_is_required(boarded, member):
    body = boarded.application()
    del body[member]
    assert_problem(boarded.post(REGISTRATIONS, body), 422, "required")


@pytest.mark.parametrize(
    "password",
    [
        "🦦🚗🌲🎻🧊🪁🥝🛶🎯🧭🪵🧲🔭🪺🫖",
        "otter kettle plum quince " * 5,
        "  two  blanks  between  ",
        "ünïcödé wörds thröughöut",
    ],
)
def test_long_passwords_of_any_characters_are_taken_and_log_in(boarded, password):
    boarded.register(password=password)
    assert boarded.log_in(password=password).status_code == 200
    assert boarded.log_in(password=password.strip() + "x").status_code == 401


def test_a_password_typed_decomposed_logs_in(boarded):
    boarded.register(password="caf\u00e9 otters at dawn")
    assert boarded.log_in(password="cafe\u0301 otters at dawn").status_code == 200


def test_control_characters_in_reset_tokens_are_no_server_error(suite):
    for token in ("a\\u0000b", "\\ud800", "\\u202e"):
        body = f'{{"token":"{token}","password":"many blue kettles 42"}}'
        answer = raw(suite, "/v1/auth/password-resets/confirmations", body.encode())
        assert_problem(answer, 422, "invalid_characters")


def test_requests_over_the_limit_are_refused_before_their_body_is_read(limited):
    answers = [limited.post(REGISTRATIONS, {}) for _ in range(21)]
    assert [answer.status_code for answer in answers[:20]] == [422] * 20
    assert_problem(answers[20], 429, "rate_limited")
    assert answers[20].headers["Retry-After"]
