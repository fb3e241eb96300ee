"""The catalogue of bad input, on every operation of the API: bodies and their members.

Each is refused with a problem and its own code, never a 5xx.
"""

from __future__ import annotations

from support.world import collect, flaw, send

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
