"""The one parser of JSON bodies: strict, bounded, and never a 500 for what a client sends."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from carport.shared.errors import Invalid, Refused

DEPTH_MAX = 32
NUMBER_LENGTH_MAX = 100
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control and direction characters and lone surrogates; tab and line ends are a field's choice."""


def parse(raw: bytes) -> dict[str, Any]:
    """The object in *raw*. Raises Refused (400) or, for characters in strings, Invalid (422)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("The body is not UTF-8.") from None
    check_depth(text)
    try:
        value = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_float=finite,
            parse_int=bounded,
            object_pairs_hook=distinct,
        )
    except ValueError as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise malformed(f"The body is not valid JSON{place}.") from None
    if not isinstance(value, dict):
        raise malformed("The body must be one JSON object.")
    check_characters(value, "")
    return value


def malformed(detail: str) -> Refused:
    """What a body that cannot be read is answered with."""
    return Refused("malformed_json", detail)


def check_depth(text: str) -> None:
    """Raises Refused beyond 32 levels, before a recursive parser meets them."""
    depth = 0
    for token in TOKENS.finditer(text):
        mark = token[0][0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > DEPTH_MAX:
            raise Refused("too_deep", f"The body is nested deeper than {DEPTH_MAX} levels.")


def refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are no JSON."""
    raise malformed(f"{name} is not a JSON number.")


def finite(text: str) -> float:
    """A float that is one. Raises Refused for one too large."""
    value = float(text)
    if not math.isfinite(value):
        raise malformed("A number in the body is too large.")
    return value


def bounded(text: str) -> int:
    """An integer of bearable length."""
    if len(text) > NUMBER_LENGTH_MAX:
        raise malformed("A number in the body is too long.")
    return int(text)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object, each name once."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("duplicate_member", "A member name stands twice in one object.")
    return members


def check_characters(value: Any, pointer: str) -> None:
    """Raises Invalid for characters that no text of ours may hold."""
    if isinstance(value, str) and FORBIDDEN.search(value):
        detail = "Control and text-direction characters are not allowed."
        raise Invalid("invalid_characters", detail, pointer)
    if isinstance(value, dict):
        for name, member in value.items():
            check_characters(name, pointer)
            check_characters(member, f"{pointer}/{escape(name)}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            check_characters(member, f"{pointer}/{index}")


def escape(name: object) -> str:
    """*name* as one step of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")
