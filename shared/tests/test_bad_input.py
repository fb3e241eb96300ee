"""Whatever is sent, the answer is a problem document with the documented status and code."""

from __future__ import annotations

import io
import json
import re
import sqlite3

import pytest
from carport.shared import testing, web
from carport.shared.db import make_engine
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id

GOOD = {"text": "hello", "amount": 100}
ECHO = "/v1/echo"


def problem(response, status, code):
    assert response.content_type == "application/problem+json"
    body = json.loads(response.data)
    assert (response.status_code, body["code"]) == (status, code), body
    assert body["status"] == status
    assert body["type"] == f"urn:carport:problem:{code}"
    assert body["title"] and body["detail"]
    assert body["instance"] == f"/requests/{response.headers['X-Request-Id']}"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]
    return body


def post(client, body, content_type="application/json", **more):
    return client.post(ECHO, data=body, content_type=content_type, **more)


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/v1/echo/", "/v1//echo", "/v1/echo;x=1", "/v1/echo%00", "/v1%2Fechos",
     "/v1/echo.", "/v1/%2e%2e/echo", "/.git/config", "/debug", "/metrics", "/admin"],
)  # fmt: skip
def test_an_unknown_path_is_404(client, path):
    problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/\xff", "/v1/\xc0\xae\xc0\xae/echo"])
def test_an_undecodable_path_is_400(client, path):
    response = client.get("/", environ_overrides={"PATH_INFO": path})
    problem(response, 400, "bad_path")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "TRACE", "CONNECT", "FOO", "OPTIONS"])
def test_a_wrong_method_is_405_and_says_which_are_right(client, method):
    response = client.open(ECHO, method=method, headers={"X-Marker": "marker"})
    if method != "HEAD":
        problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"
    assert b"marker" not in response.data


def test_a_method_override_is_ignored(client):
    headers = {"X-HTTP-Method-Override": "POST"}
    problem(client.get(ECHO, headers=headers), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/json;charset=utf-16", "multipart/form-data;boundary=x",
     "application/x-www-form-urlencoded", "application/jsonp"],
)  # fmt: skip
def test_another_content_type_is_415(client, content_type):
    problem(post(client, b"{}", content_type), 415, "unsupported_media_type")


def test_json_in_utf_8_said_aloud_is_fine(client):
    response = post(client, json.dumps(GOOD), "application/json; charset=UTF-8")
    assert response.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
def test_a_compressed_body_is_415(client, encoding):
    response = post(client, b"\x1f\x8b", headers={"Content-Encoding": encoding})
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "application/json;q=0"])
def test_an_answer_in_another_language_is_406(client, accept):
    problem(post(client, json.dumps(GOOD), headers={"Accept": accept}), 406, "not_acceptable")


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "application/json", "text/html, */*;q=0.1"]
)
def test_an_answer_in_json_is_acceptable(client, accept):
    response = post(client, json.dumps(GOOD), headers={"Accept": accept})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "malformed_json"), (b"{", "malformed_json"), (b"[]", "malformed_json"),
     (b'{"amount":1e999}', "malformed_json"), (b"[" * 100_0, "too_deep"),
     (b'{"a":1,"a":1}', "duplicate_member")],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_400(client, raw, code):
    problem(post(client, raw[:1000]), 400, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"more": 1}, "unknown_field"),
        ({"text": "a\u202eb"}, "invalid_characters"),
        ({"text": "a\u0000b"}, "invalid_characters"),
        ({"text": 5}, "invalid_type"),
        ({"text": "x" * 21}, "out_of_range"),
        ({"amount": True}, "invalid_amount"),
        ({"day": "2026-02-30"}, "invalid_date"),
        ({"count": 10}, "out_of_range"),
    ],
)
def test_a_member_that_is_not_acceptable_is_422(client, change, code):
    body = problem(client.post(ECHO, json={**GOOD, **change}), 422, code)
    assert body["errors"][0] | {"detail": ""} == {
        "pointer": f"/{next(iter(change))}",
        "code": code,
        "detail": "",
    }


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_413(client):
    text = json.dumps(GOOD)
    assert post(client, text.ljust(1000)).status_code == 200
    response = post(client, text.ljust(1001))
    problem(response, 413, "payload_too_large")
    assert response.headers["Connection"] == "close"


def test_a_body_without_length_is_capped_while_it_is_read(client):
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = client.post(
        ECHO,
        input_stream=io.BytesIO(b" " * 1001),
        content_type="application/json",
        environ_overrides=environ,
    )
    problem(response, 413, "payload_too_large")


def test_a_request_id_is_echoed_only_when_it_is_one(client):
    good = client.get("/nothing", headers={"X-Request-Id": "abcd-1234"})
    assert good.headers["X-Request-Id"] == "abcd-1234"
    for bad in ("short", "x" * 65, "<script>alert(1)</script>", "a b c d e f g h"):
        response = client.get("/nothing", headers={"X-Request-Id": bad})
        assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["X-Request-Id"])


def test_no_input_is_echoed_unescaped(client):
    response = client.get("/v1/<script>alert(1)</script>")
    assert b"<script>" not in response.data


def test_a_defect_is_an_honest_500_without_internals(client, customer, account_id):
    headers = {**customer, "Idempotency-Key": "k"}
    response = client.post(
        f"/v1/accounts/{account_id}/notes", json={"text": "defect", "amount": 1}, headers=headers
    )
    body = problem(response, 500, "internal_error")
    assert body["money_moved"] == "unknown"
    assert b"secret internals" not in response.data and b"Traceback" not in response.data


def test_a_domain_refusal_has_its_status_code_pointer_and_words(client, customer, account_id):
    headers = {**customer, "Idempotency-Key": "k"}
    response = client.post(
        f"/v1/accounts/{account_id}/notes", json={"text": "sad", "amount": 1}, headers=headers
    )
    body = problem(response, 409, "too_sad")
    assert body["detail"] == "Cheer up and try again."
    assert body["errors"][0]["pointer"] == "/text"
    assert body["money_moved"] == "no"


def test_a_database_that_is_away_is_503_with_when_to_try_again(runtime, client, customer):
    runtime.engine.dispose()
    runtime.engine = make_engine(f"sqlite:///{runtime.settings.home}/no/such/folder.db")
    account = new_id(utc_now())
    headers = testing.bearer(runtime, accounts=[account])
    response = client.get(f"/v1/accounts/{account}/notes", headers=headers)
    body = problem(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert "Nothing was changed" in body["detail"]


def test_a_lost_answer_to_the_commit_is_told_as_unknown_and_settled_by_the_same_key(
    runtime, client, customer, account_id, monkeypatch
):
    def commit_and_lose(connection):
        connection.commit()
        lost = sqlite3.OperationalError("disk I/O error")
        lost.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise lost

    headers = {**customer, "Idempotency-Key": "lost"}
    path, note = f"/v1/accounts/{account_id}/notes", {"text": "kept", "amount": 1}
    with monkeypatch.context() as away:
        away.setattr(runtime.engine.dialect, "do_commit", commit_and_lose)
        lost = client.post(path, json=note, headers=headers)
    body = problem(lost, 503, "temporarily_unavailable")
    assert body["money_moved"] == "unknown"
    assert "not known" in body["detail"]
    again = client.post(path, json=note, headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")


def test_the_order_of_checks_tells_nobody_more_than_they_may_know(client, runtime, account_id):
    """Content type, then token, then object, then key, then body, then schema."""
    path = f"/v1/accounts/{account_id}/notes"
    mine = testing.bearer(runtime, accounts=[account_id])
    foreign = testing.bearer(runtime, accounts=[new_id(utc_now())])
    staff = testing.bearer(runtime, scope="agent", accounts=[account_id])
    key = {"Idempotency-Key": "k"}

    def ask(headers, raw=b"{", content_type="application/json"):
        return client.post(path, data=raw, content_type=content_type, headers=headers)

    problem(ask({}, content_type="text/plain"), 415, "unsupported_media_type")
    problem(ask({}), 401, "unauthenticated")
    problem(ask(staff), 403, "forbidden")
    problem(ask(foreign), 404, "not_found")
    problem(ask(mine), 400, "idempotency_key_required")
    problem(ask({**mine, **key}), 400, "malformed_json")
    problem(ask({**mine, **key}, b"{}"), 422, "required")
    assert ask({**mine, **key}, json.dumps(GOOD)).status_code == 201


def test_a_foreign_object_answers_exactly_like_an_unknown_and_an_impossible_one(
    client, runtime, account_id
):
    headers = testing.bearer(runtime, accounts=[new_id(utc_now())])
    paths = (account_id, new_id(utc_now()), account_id.upper(), f"{{{account_id}}}", "-1", "1e3")
    answers = [client.get(f"/v1/accounts/{one}/notes", headers=headers) for one in paths]
    bodies = {re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", answer.text) for answer in answers}
    assert [answer.status_code for answer in answers] == [404] * len(paths)
    assert len(bodies) == 1


@pytest.mark.parametrize(
    "text", ["-1", "1e3", "0x1", "' OR 1=1 --", "{{7*7}}", "x" * 36, "1" * 400]
)
def test_what_is_no_id_never_reaches_a_view(client, runtime, text):
    headers = testing.bearer(runtime, scope="agent")
    problem(client.get(f"/v1/staff/notes/{text}", headers=headers), 404, "not_found")
    assert client.get(f"/v1/staff/notes/{new_id(utc_now())}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 400, "invalid_parameter"),
        ("limit=-1", 400, "invalid_parameter"),
        ("limit=1000000000", 400, "invalid_parameter"),
        ("limit=1_0", 400, "invalid_parameter"),
        ("limit=１０", 400, "invalid_parameter"),
        ("limit=1&limit=2", 400, "invalid_parameter"),
        ("more=1", 400, "invalid_parameter"),
        ("cursor=abc", 400, "invalid_cursor"),
        ("cursor=%00", 400, "invalid_parameter"),
        ("dry_run=1", 400, "invalid_parameter"),
        ("since=2026-02-30", 422, "invalid_date"),
    ],
)
def test_a_wrong_query_parameter_is_refused(client, customer, account_id, query, status, code):
    response = client.get(f"/v1/accounts/{account_id}/notes?{query}", headers=customer)
    problem(response, status, code)


def test_a_parameter_where_there_is_none_is_refused(client, customer):
    problem(client.get("/v1/settings?x=1", headers=customer), 400, "invalid_parameter")


def test_a_token_in_the_query_does_not_count(client, customer):
    token = customer["Authorization"].split()[1]
    problem(client.get(f"/v1/settings?access_token={token}"), 401, "unauthenticated")


def test_a_route_without_members_takes_no_body_or_an_empty_object(client, customer):
    assert client.post("/v1/touch", headers=customer).status_code == 204
    assert client.post("/v1/touch", json={}, headers=customer).status_code == 204
    problem(client.post("/v1/touch", json={"a": 1}, headers=customer), 422, "unknown_field")
    response = client.post("/v1/touch", data=b"x", content_type="text/plain", headers=customer)
    problem(response, 415, "unsupported_media_type")


def test_a_change_of_settings_names_what_it_changes(client, customer):
    tag = client.get("/v1/settings", headers=customer).headers["ETag"]
    put = lambda more: client.put("/v1/settings", json=GOOD, headers={**customer, **more})  # noqa: E731
    problem(put({}), 428, "precondition_required")
    problem(put({"If-Match": '"old"'}), 412, "stale_version")
    assert put({"If-Match": tag}).status_code == 204


def test_an_old_login_needs_the_password_again(client, runtime):
    then = int(utc_now().timestamp()) - 301
    old = testing.bearer(runtime, claims={"auth_time": then})
    problem(client.post("/v1/touch", headers=old), 401, "step_up_required")


def test_supervisors_may_do_what_agents_may_and_customers_may_not(client, runtime):
    for scope, status in (
        ("agent", 200),
        ("supervisor", 200),
        ("operator", 403),
        ("customer", 403),
    ):
        headers = testing.bearer(runtime, scope=scope)
        assert client.get("/v1/staff/notes", headers=headers).status_code == status


def test_sandbox_routes_do_not_exist_in_production(make_runtime):
    sandbox = web.create_app(make_runtime()).test_client()
    assert sandbox.get("/v1/sandbox/notes").status_code == 200
    production = web.create_app(make_runtime(env="production")).test_client()
    problem(production.get("/v1/sandbox/notes"), 404, "not_found")


def test_over_the_rate_is_429_and_spoofed_addresses_change_nothing(make_runtime):
    client = web.create_app(make_runtime(limits_factor=1)).test_client()
    for number in range(100):
        headers = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.1.{number}"}
        response = client.post(ECHO, json=GOOD, headers=headers)
        assert response.status_code == 200, number
    assert response.headers["RateLimit"].startswith('"default";r=0;')
    refused = client.post(ECHO, json=GOOD)
    problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_the_rate_is_counted_before_the_body_is_read(make_runtime):
    client = web.create_app(make_runtime(limits_factor=1)).test_client()
    for _ in range(100):
        client.post(ECHO, data=b"{", content_type="application/json")
    problem(client.post(ECHO, data=b"{", content_type="application/json"), 429, "rate_limited")


def test_behind_the_gateway_its_word_is_the_address(make_runtime):
    client = web.create_app(make_runtime(limits_factor=1, behind_gateway=True)).test_client()
    for _ in range(101):
        last = client.post(ECHO, json=GOOD, headers={"X-Forwarded-For": "192.0.2.1"})
    problem(last, 429, "rate_limited")
    other = client.post(ECHO, json=GOOD, headers={"X-Forwarded-For": "192.0.2.2"})
    assert other.status_code == 200
