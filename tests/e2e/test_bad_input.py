"""The catalogue of bad input, on every operation of the API: a problem with a code, never a 5xx."""

from __future__ import annotations

import gzip
import json
import socket
import uuid

import pytest
from support import operations
from support.client import PASSWORD, STAFF, Api, contract, eventually

JSON = "application/json"
DEEP = {"nesting of 33": b'{"a":' + b"[" * 33 + b"]" * 33 + b"}",
        "nesting of 5000": b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"}  # fmt: skip
BODIES = [
    *((label, body, 400, "malformed_json") for label, body in {
        "an empty body": b"", "a lone brace": b"{", "a trailing comma": b'{"a":1,}',
        "two documents": b"{}{}", "a comment": b"{/*x*/}", "a byte order mark": b"\xef\xbb\xbf{}",
        "invalid UTF-8": b'{"a":"\xff"}', "UTF-16": '{"a":1}'.encode("utf-16"),
        "a number": b"5", "null": b"null", "a list": b"[]", "a string": b'"x"',
        "NaN": b'{"a":NaN}', "Infinity": b'{"a":Infinity}', "1e999": b'{"a":1e999}',
        "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    }.items()),
    *((label, body, 400, "too_deep") for label, body in DEEP.items()),
    ("a duplicate member", b'{"a":1,"\\u0061":2}', 400, "duplicate_member"),
    ("a NUL", b'{"a":"\\u0000"}', 422, "invalid_characters"),
    ("a lone surrogate", b'{"a":"\\ud800"}', 422, "invalid_characters"),
    ("a direction override", '{"a":"\u202e"}'.encode(), 422, "invalid_characters"),
    ("64 KiB and one byte", b'{"a":"' + b"x" * (64 * 1024) + b'"}', 413, "payload_too_large"),
]  # fmt: skip
LARGE = ("/v1/staff/lockbox-files", "/v1/staff/ach-returns", "/v1/sandbox/demo")


class World:
    """A customer and a stranger with one of everything, and somebody of the staff."""

    def __init__(self, api, staff):
        self.api, self.staff = api, staff
        self.customer, self.ids = self.person()
        self.stranger, self.foreign = self.person()
        self.operations = operations.read(api.get("/openapi.json"))

    def person(self):
        document = contract(contract_date=self.api.today())
        account_id = self.staff.board(document)["id"]
        customer = self.api.register(document, f"{uuid.uuid4().hex}@example.com")
        method_id = customer.add_bank_account()
        payment = customer.pay(account_id, method_id, 1000)
        customer.until(payment["id"], "posted")
        messages = eventually(lambda: customer.get("/v1/messages")["data"])
        lines = customer.get(f"/v1/accounts/{account_id}/transactions")["data"]
        sessions = customer.get("/v1/auth/sessions")["data"]
        return customer, {
            "account_id": account_id, "payment_id": payment["id"], "method_id": method_id,
            "message_id": messages[0]["id"], "transaction_id": lines[0]["id"],
            "session_id": sessions[0]["id"],
        }  # fmt: skip

    def caller(self, operation):
        if not operation.needs_token:
            return self.api
        return self.staff if operation.is_staff else self.customer

    def with_body(self):
        return [o for o in self.operations if o.has_body]


@pytest.fixture(scope="module")
def world(api, staff):
    return World(api, staff)


def send(caller, operation, ids, **more):
    headers = {**operation.headers(), **more.pop("headers", {})}
    return caller.http.request(operation.method, operation.url(ids), headers=headers, **more)


def flaw(answer, *expected):
    """What is wrong with a refusal; None when it is one of *expected* (status, code)."""
    if answer.status_code >= 500:
        return f"{answer.status_code}: {answer.text[:200]}"
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} is no problem document: {answer.text[:100]}"
    problem = answer.json()
    got = (answer.status_code, problem.get("code"))
    if problem.get("status") != answer.status_code or not problem.get("detail"):
        return f"incomplete problem: {problem}"
    return None if got in expected else f"{got} instead of {expected}"


def collect(rows):
    return [f"{operation}, {label}: {wrong}" for operation, label, wrong in rows if wrong]


def test_the_document_lists_the_operations_of_all_five_services(world):
    paths = {operation.path for operation in world.operations}
    for path in ("/v1/auth/tokens", "/v1/accounts", "/v1/payments", "/v1/messages",
                 "/v1/leases/{account_id}", "/v1/staff/accounts", "/v1/sandbox/clock"):  # fmt: skip
        assert path in paths


def test_every_ill_formed_body_is_refused_with_its_own_code(world):
    def rows():
        for operation in world.with_body():
            resolvable = all(name in world.ids for name in operation.parameters)
            for label, body, status, code in BODIES:
                if code == "payload_too_large" and operation.path in LARGE:
                    continue
                answer = send(world.caller(operation), operation, world.ids, content=body,
                              headers={"Content-Type": JSON})  # fmt: skip
                unknown = () if resolvable else ((404, "not_found"),)
                yield operation, label, flaw(answer, (status, code), *unknown)

    assert collect(rows()) == []


def test_an_unknown_member_is_refused_by_name(world):
    def rows():
        for operation in world.with_body():
            if not all(name in world.ids for name in operation.parameters):
                continue
            answer = send(world.caller(operation), operation, world.ids,
                          json={"zzz_unknown": 1}, headers={"If-Match": "*"})  # fmt: skip
            named = {e.get("pointer") for e in answer.json().get("errors", ())}
            wrong = None if "/zzz_unknown" in named else f"{answer.status_code} {answer.text[:200]}"
            yield operation, "unknown member", wrong

    assert collect(rows()) == []


WRONG = {
    "string": [5, True, [], {}, None],
    "integer": ["10", True, 10.5, 10.0, [], {}, None, 10**30],
    "date": [5, "2026-02-30", "0000-01-01", "2026-W01-1", "20260101", "2026-1-1", "x"],
    "array": ["x", 5, {}],
    "object": ["x", 5, []],
}


def test_a_member_of_the_wrong_type_is_refused_and_named(world):
    seen = set()

    def rows():
        for operation in world.with_body():
            if not all(name in world.ids for name in operation.parameters):
                continue
            for member, kind in operation.members:
                for value in WRONG.get(kind, ()):
                    seen.add(kind)
                    answer = send(world.caller(operation), operation, world.ids,
                                  json={member: value}, headers={"If-Match": "*"})  # fmt: skip
                    named = {e.get("pointer", "") for e in answer.json().get("errors", ())}
                    told = any(p.split("/")[1:2] == [member] for p in named)
                    wrong = None if told and answer.status_code == 422 else answer.text[:300]
                    yield operation, f"{member}={value!r}", wrong

    assert collect(rows()) == []
    assert seen == set(WRONG)


def test_a_setting_is_changed_only_by_who_has_read_it(world):
    preferences = "/v1/alerts/preferences"
    read = world.customer.http.get(preferences)
    body = {"events": [], "days_ahead": [3], "quiet_hours": {"from": "21:00", "to": "08:00"}}
    blind = world.customer.http.put(preferences, json=body)
    stale = world.customer.http.put(preferences, json=body, headers={"If-Match": '"old"'})
    assert read.headers["etag"]
    assert flaw(blind, (428, "precondition_required")) is None
    assert flaw(stale, (412, "stale_version")) is None


def test_a_method_override_header_is_ignored(world):
    answer = world.customer.http.get("/v1/accounts", headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 200


def test_anothers_cursor_is_refused(world):
    path = "/v1/payments"
    for _ in range(2):
        world.customer.pay(world.ids["account_id"], world.ids["method_id"], 100)
    cursor = world.customer.get(path, limit=1)["next_cursor"]
    assert world.customer.http.get(path, params={"cursor": cursor}).status_code == 200
    for caller, other in ((world.stranger, path), (world.customer, "/v1/messages")):
        answer = caller.http.get(other, params={"cursor": cursor})
        assert flaw(answer, (400, "invalid_cursor")) is None


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


def test_without_a_valid_token_every_protected_operation_answers_401(world):
    tokens = ["", "Bearer", "Bearer x.y.z", "Basic abc", f"Bearer {world.customer.token}x"]

    def rows():
        for operation in world.operations:
            if not operation.needs_token:
                continue
            for token in tokens:
                headers = {"Authorization": token} if token else {}
                answer = send(world.api, operation, world.ids, headers=headers,
                              **({"json": {}} if operation.has_body else {}))  # fmt: skip
                wrong = flaw(answer, (401, "unauthenticated"))
                told = "www-authenticate" in answer.headers
                yield operation, repr(token), wrong or (None if told else "no WWW-Authenticate")

    assert collect(rows()) == []


def test_a_customer_may_do_nothing_of_the_staff(world):
    def rows():
        for operation in world.operations:
            if operation.is_staff:
                answer = send(world.customer, operation, world.ids,
                              **({"json": {}} if operation.has_body else {}))  # fmt: skip
                yield operation, "customer", flaw(answer, (403, "forbidden"), (404, "not_found"))

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


def masked(answer):
    body = answer.text
    for name in ("request_id", "instance"):
        body = body.replace(str(answer.json().get(name)), "*")
    hidden = {"date", "x-request-id"}
    return answer.status_code, body, sorted(k for k in answer.headers if k.lower() not in hidden)


def test_anothers_object_answers_exactly_as_an_unknown_one_on_every_operation(world):
    def rows():
        for operation in world.operations:
            if operation.is_staff or not operation.needs_token or not operation.parameters:
                continue
            body = {"json": {}} if operation.has_body else {}
            more = {**body, "headers": {"If-Match": "*"}}
            foreign = send(world.stranger, operation, world.ids, **more)
            more = {**body, "headers": {"If-Match": "*"}}
            unknown = send(world.stranger, operation, {}, **more)
            wrong = flaw(foreign, (404, "not_found"))
            different = None if masked(foreign) == masked(unknown) else "not the same answer"
            yield operation, "foreign", wrong or different

    assert collect(rows()) == []
    assert world.customer.get(f"/v1/payments/{world.ids['payment_id']}")["state"] == "posted"


def test_paying_anothers_account_or_with_anothers_bank_account_answers_as_for_unknown_ones(world):
    mine = {"account_id": world.foreign["account_id"], "amount": 100, "currency": "USD",
            "payment_method_id": world.foreign["method_id"]}  # fmt: skip
    for member in ("account_id", "payment_method_id"):
        name = "method_id" if member == "payment_method_id" else member
        answers = [
            world.stranger.http.post("/v1/payments", json=mine | {member: value},
                                     headers={"Idempotency-Key": str(uuid.uuid4())})
            for value in (world.ids[name], operations.unknown_id())
        ]  # fmt: skip
        assert masked(answers[0]) == masked(answers[1])
        assert answers[0].status_code == 404
        assert answers[0].json()["money_moved"] == "no"


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


def test_wrong_credentials_say_the_same_for_known_and_unknown_people(world):
    def refuse(user_id, password):
        body = {"grant": "password", "user_id": user_id, "password": password}
        return world.api.http.post("/v1/auth/tokens", json=body)

    known = refuse(STAFF["user_id"], PASSWORD)
    unknown = refuse(f"{uuid.uuid4().hex}@example.com", PASSWORD)
    assert known.status_code == 401
    assert masked(known) == masked(unknown)
    assert Api(world.api.url).http.get("/v1/accounts").status_code == 401
