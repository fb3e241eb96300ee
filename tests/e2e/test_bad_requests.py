"""The catalogue of bad input, on every operation of the API: all of a request but its body."""

from __future__ import annotations

import gzip
import json
import socket

import pytest
from support.world import collect, flaw, send

JSON = "application/json"
LARGE = ("/v1/staff/lockbox-files", "/v1/staff/ach-returns")


def test_a_method_override_header_is_ignored(world):
    answer = world.customer.http.get("/v1/accounts", headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 200


def test_another_content_type_or_encoding_is_refused_before_anything_is_read(world):
    kinds = [{"Content-Type": "text/plain"}, {"Content-Type": "application/json;charset=utf-16"},
             {"Content-Type": "multipart/form-data; boundary=x"},
             {"Content-Type": JSON, "Content-Encoding": "gzip"}]  # fmt: skip

    def rows():
        for operation in world.with_body():
            if operation.path in LARGE:
                continue
            for headers in kinds:
                body = gzip.compress(b"{}") if "Content-Encoding" in headers else b"{}"
                answer = send(world.caller(operation), operation, world.ids, content=body,
                              headers=headers)  # fmt: skip
                yield operation, str(headers), flaw(answer, (415, "unsupported_media_type"))

    assert collect(rows()) == []


def test_a_wrong_method_is_told_the_right_ones(world):
    def rows():
        for path in {operation.path for operation in world.operations}:
            some = next(o for o in world.operations if o.path == path)
            for method in ("TRACE", "FOO", "CONNECT", "PATCH", "DELETE"):
                if any(o.path == path and o.method == method for o in world.operations):
                    continue
                if method == "CONNECT":
                    continue
                answer = world.caller(some).http.request(method, some.url(world.ids))
                wrong = flaw(answer, (405, "method_not_allowed"))
                yield some, method, wrong or (None if answer.headers.get("allow") else "no Allow")

    assert collect(rows()) == []


def test_no_answer_in_xml(world):
    def rows():
        for operation in world.operations:
            if operation.method == "GET":
                answer = send(world.caller(operation), operation, world.ids,
                              headers={"Accept": "application/xml"})  # fmt: skip
                wrong = flaw(answer, (406, "not_acceptable"), (404, "not_found"))
                yield operation, "Accept: application/xml", wrong

    assert collect(rows()) == []


def test_where_money_may_be_created_a_usable_idempotency_key_is_needed(world):
    bad = [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 256},
           {"Idempotency-Key": "a b"}]  # fmt: skip

    def rows():
        for operation in world.operations:
            if not operation.needs_key:
                continue
            for headers in bad:
                answer = world.caller(operation).http.request(
                    operation.method, operation.url(world.ids), json={}, headers=headers
                )
                wrong = flaw(answer, (400, "idempotency_key_required"),
                             (400, "idempotency_key_invalid"), (404, "not_found"))  # fmt: skip
                yield operation, str(headers), wrong

    assert collect(rows()) == []


def test_parameters_that_make_no_sense_are_refused(world):
    bad = ["limit=0", "limit=-1", "limit=1000000000", "limit=1_0", "limit=%EF%BC%91",
           "limit=1&limit=2", "cursor=abc", "zzz=1"]  # fmt: skip

    def rows():
        for operation in world.operations:
            if operation.method != "GET" or "limit" not in operation.query:
                continue
            caller = world.caller(operation)
            for query in bad:
                answer = caller.http.get(f"{operation.url(world.ids)}?{query}")
                wrong = flaw(answer, (400, "invalid_parameter"), (400, "invalid_cursor"),
                             (404, "not_found"))  # fmt: skip
                yield operation, query, wrong

    assert collect(rows()) == []


def test_what_only_looks_like_an_id_is_not_found(world):
    some = world.ids["account_id"]
    spellings = [f"{{{some}}}", f"urn:uuid:{some}", some.upper(), some[:-1], some + "0", "-1",
                 "1e3", "0x1", "' OR 1=1 --", "{{7*7}}", "..",
                 "%00", "%2e%2e%2f", ";x=1"]  # fmt: skip

    def rows():
        for operation in world.operations:
            if operation.method != "GET" or not operation.parameters:
                continue
            for spelling in spellings:
                ids = dict.fromkeys(operation.parameters, spelling)
                answer = send(world.caller(operation), operation, ids)
                wrong = flaw(answer, (404, "not_found"), (400, "bad_path"))
                yield operation, spelling, wrong

    assert collect(rows()) == []


def test_paths_that_do_not_exist_are_not_found(world):
    paths = ["/v1/nothing", "/v1/accounts/", "/v1//accounts", "/v1/accounts;x=1",
             "/v1/%00", "/v1/accounts.", "/v1/accounts%2F", "/v1/%2e%2e/",
             "/v1/%c0%ae"]  # fmt: skip
    answers = {path: world.customer.http.get(path) for path in paths}
    wrong = {path: flaw(a, (404, "not_found"), (400, "bad_path")) for path, a in answers.items()}
    assert {path: what for path, what in wrong.items() if what} == {}


def raw(url: str, request: bytes) -> bytes:
    """What the server answers to bytes no HTTP client would send."""
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


FRAMING = [
    ("both framings", b"POST /v1/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
     b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", b"400"),
    ("two lengths", b"POST /v1/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
     b"Content-Length: 5\r\nConnection: close\r\n\r\n{}{}", b"400"),
    ("unknown coding", b"POST /v1/auth/tokens HTTP/1.1\r\nHost: x\r\n"
     b"Transfer-Encoding: xchunked\r\nConnection: close\r\n\r\n", b"400"),
    ("folded header", b"GET /v1/lender HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", b"400"),
    ("no request", b"hello\r\n\r\n", b"400"),
    ("long address", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
     b"414"),
    ("large header", b"GET /v1/lender HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20000
     + b"\r\nConnection: close\r\n\r\n", b"431"),
    ("many headers", b"GET /v1/lender HTTP/1.1\r\nHost: x\r\n"
     + b"".join(b"A%d: b\r\n" % n for n in range(300)) + b"\r\n", b"431"),
]  # fmt: skip


@pytest.mark.parametrize(("request_bytes", "status"), [row[1:] for row in FRAMING],
                         ids=[row[0] for row in FRAMING])  # fmt: skip
def test_ill_framed_requests_are_refused_with_a_problem(world, request_bytes, status):
    head, _, body = raw(world.api.url, request_bytes).partition(b"\r\n\r\n")
    assert status in head.split(b"\r\n")[0]
    assert b"application/problem+json" in head
    assert json.loads(body)["code"]
