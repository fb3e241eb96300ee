"""The body parser refuses everything that is not one plain, bounded JSON object."""

from __future__ import annotations

import json
import time

import pytest
from carport.shared.body import parse
from carport.shared.errors import Invalid, Problem


def code_of(raw):
    with pytest.raises(Problem) as refused:
        parse(raw)
    return refused.value.status, refused.value.code


def test_a_plain_object_is_read():
    assert parse(b' {"a": [1, 2.5, "x", null, true], "b": {}} ') == {
        "a": [1, 2.5, "x", None, True],
        "b": {},
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a":1,}',
        b"{}{}",
        b"{} // why",
        b"/* */ {}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xc0\xae"}',
        '{"a":1}'.encode("utf-16"),
        b"5",
        b"null",
        b"[]",
        b'"x"',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"{'a':1}",
        b'{"a":"\n"}',
        b'{"a":01}',
        b'{"a":1_000}',
    ],
)
def test_what_is_no_json_object_is_malformed(raw):
    assert code_of(raw) == (400, "malformed_json")


@pytest.mark.parametrize("depth", [33, 1_000, 5_000, 100_000])
@pytest.mark.parametrize("mark", ["[", '{"a":'])
def test_deep_nesting_is_refused_before_the_parser_recurses(depth, mark):
    close = "]" if mark == "[" else "}"
    text = '{"a":' + mark * (depth - 1) + "1" + close * (depth - 1) + "}"
    assert code_of(text.encode()) == (400, "too_deep")


def test_nesting_up_to_the_limit_is_read():
    assert parse(('{"a":' + "[" * 31 + "]" * 31 + "}").encode())


def test_brackets_inside_strings_do_not_count_as_nesting():
    assert parse(json.dumps({"a": "[" * 100 + '\\"' + "{" * 100}).encode())


@pytest.mark.parametrize("tail", [b"", b"\\"])
def test_a_string_without_end_takes_no_quadratic_time(tail):
    started = time.perf_counter()
    assert code_of(b'{"' + b'\\"' * 32_000 + tail) == (400, "malformed_json")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "raw", [b'{"a":1,"a":2}', b'{"amount":1,"amoun\\u0074":2}', b'{"x":{"a":1,"a":1}}']
)
def test_a_member_may_stand_only_once(raw):
    assert code_of(raw) == (400, "duplicate_member")


@pytest.mark.parametrize(
    "text",
    ["\\u0000", "\\ud800", "\\udfff", "\\u0007", "\\u001b", "\\u007f", "\\u0085", "\\u202e",
     "\\u2066", "\\u2069", "\\ufeff"],
)  # fmt: skip
def test_characters_no_text_may_hold_are_invalid(text):
    with pytest.raises(Invalid) as refused:
        parse(f'{{"a":[{{"b/c":"x{text}y"}}]}}'.encode())
    assert refused.value.code == "invalid_characters"
    assert refused.value.pointer == "/a/0/b~1c"


def test_they_are_invalid_in_member_names_too():
    assert code_of(b'{"a\\u0000":1}') == (422, "invalid_characters")


def test_letters_of_all_scripts_and_emoji_pass():
    assert parse('{"a":"Ünïcødé 日本語 🚗\\n"}'.encode())
