"""Strict fields: one spelling of each value, refused with a stable code and a helpful sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from marshmallow import RAISE, ValidationError, fields
from marshmallow import Schema as MarshmallowSchema

from carport.shared.body import FORBIDDEN, escape
from carport.shared.errors import Flaw, Invalid, NotFound, Problem, Refused
from carport.shared.kernel.days import parse_day
from carport.shared.kernel.ids import ID_PATTERN, is_id
from carport.shared.kernel.money import AMOUNT_MAX

INT_MAX = 2**31 - 1
TEXT_MAX = 200
ITEMS_MAX = 100
LINE_ENDS = re.compile(r"[\t\n\r]")
QUERY_INT = re.compile(r"-?[0-9]{1,9}", re.ASCII)
CODE = re.compile(r"[a-z][a-z_]+")
KNOWN = {
    "Unknown field.": ("unknown_field", "This member does not exist here; leave it out."),
    "Missing data for required field.": ("required", "This member is required."),
    "Field may not be null.": ("invalid_type", "This member may not be null."),
    "Invalid input type.": ("invalid_type", "An object is expected here."),
}
QUERY_CODES = frozenset({"invalid_date", "invalid_cursor"})


class Wrong(str):
    """A message that carries its code through marshmallow."""

    code: str
    __slots__ = ("code",)


def wrong(code: str, detail: str) -> ValidationError:
    """A validation error with a stable *code*."""
    message = Wrong(detail)
    message.code = code
    return ValidationError(message)


class Schema(MarshmallowSchema):
    """What a request may hold; members that are not declared are refused."""

    class Meta:
        unknown = RAISE


class IntField(fields.Integer):
    """An integer, written as one: ``true``, ``"10"`` and ``10.0`` are refused."""

    code_of_range = "out_of_range"
    code_of_type = "invalid_type"
    is_query = False

    def __init__(self, *, min: int = -INT_MAX, max: int = INT_MAX, **more: Any) -> None:
        metadata = {"minimum": min, "maximum": max, **more.pop("metadata", {})}
        super().__init__(strict=True, metadata=metadata, **more)
        self.min, self.max = min, max

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if self.is_query and isinstance(value, str) and QUERY_INT.fullmatch(value):
            value = int(value)
        if type(value) is not int:
            raise wrong(self.code_of_type, "A whole number is expected here.")
        if not self.min <= value <= self.max:
            raise wrong(self.code_of_range, f"Allowed is {self.min} to {self.max}.")
        return value


class QueryIntField(IntField):
    """An integer in a query string: ASCII digits only."""

    is_query = True


class MoneyField(IntField):
    """An amount in integer cents; more than nothing unless *min* says otherwise."""

    code_of_range = code_of_type = "invalid_amount"

    def __init__(self, *, min: int = 1, max: int = AMOUNT_MAX, **more: Any) -> None:
        super().__init__(min=min, max=max, **more)


class FlagField(fields.Boolean):
    """``true`` or ``false``, and not 1, 0, "yes"."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if type(value) is not bool:
            raise wrong("invalid_type", "true or false is expected here.")
        return value


class QueryFlagField(fields.Boolean):
    """``true`` or ``false`` in a query string."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value not in ("true", "false"):
            raise wrong("invalid_type", "true or false is expected here.")
        return bool(value == "true")


class TextField(fields.String):
    """One line of text of *min* to *max* characters that are not all blank. *pattern* must match
    all of it, else *code*; *nfc* refuses other spellings of the same letters (identifiers)."""

    def __init__(
        self,
        *,
        min: int = 1,
        max: int = TEXT_MAX,
        pattern: str | None = None,
        code: str = "invalid_value",
        multiline: bool = False,
        nfc: bool = False,
        **more: Any,
    ) -> None:
        metadata = {"minLength": min, "maxLength": max, **more.pop("metadata", {})}
        if pattern:
            metadata["pattern"] = f"^(?:{pattern})$"
        super().__init__(metadata=metadata, **more)
        self.min, self.max, self.multiline, self.nfc = min, max, multiline, nfc
        self.pattern = re.compile(pattern, re.ASCII) if pattern else None
        self.code = code

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise wrong("invalid_type", "A text is expected here.")
        if FORBIDDEN.search(value) or (not self.multiline and LINE_ENDS.search(value)):
            raise wrong("invalid_characters", "Control characters are not allowed here.")
        if not self.min <= len(value) <= self.max or (self.min and not value.strip()):
            raise wrong("out_of_range", f"Allowed are {self.min} to {self.max} characters.")
        if self.nfc and not unicodedata.is_normalized("NFC", value):
            raise wrong("out_of_range", "Write this text in Unicode normal form C.")
        if self.pattern and not self.pattern.fullmatch(value):
            raise wrong(self.code, "This text does not have the form expected here.")
        return value


class ChoiceField(fields.String):
    """One of a few words."""

    def __init__(self, *choices: str, **more: Any) -> None:
        metadata = {"enum": list(choices), **more.pop("metadata", {})}
        super().__init__(metadata=metadata, **more)
        self.choices = choices

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise wrong("invalid_type", "A text is expected here.")
        if value not in self.choices:
            raise wrong("invalid_value", f"Allowed is one of: {', '.join(self.choices)}.")
        return value


class DayField(fields.Date):
    """A calendar day as ``YYYY-MM-DD``, of the years 1900 to 2199."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        try:
            day = parse_day(value)
        except ValueError:
            raise wrong("invalid_date", "A date is written YYYY-MM-DD and must exist.") from None
        if not 1900 <= day.year < 2200:
            raise wrong("invalid_date", "The year must be between 1900 and 2199.")
        return day


class IdField(fields.String):
    """An id in the one spelling we make; any other text names nothing (404)."""

    def __init__(self, **more: Any) -> None:
        metadata = {"pattern": f"^{ID_PATTERN.pattern}$", **more.pop("metadata", {})}
        super().__init__(metadata=metadata, **more)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise wrong("invalid_type", "An id is expected here.")
        if not is_id(value):
            raise wrong("not_found", "This id names nothing you can see.")
        return value


class ListField(fields.List[Any]):
    """At most *max* items."""

    def __init__(self, inner: Any, *, min: int = 0, max: int = ITEMS_MAX, **more: Any) -> None:
        metadata = {"minItems": min, "maxItems": max, **more.pop("metadata", {})}
        super().__init__(inner, metadata=metadata, **more)
        self.min, self.max = min, max

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> list[Any]:
        if not isinstance(value, list):
            raise wrong("invalid_type", "A list is expected here.")
        if not self.min <= len(value) <= self.max:
            raise wrong("out_of_range", f"Allowed are {self.min} to {self.max} items.")
        return super()._deserialize(value, attr, data, **more) or []


def flaws(messages: Any, pointer: str = "") -> Iterator[Flaw]:
    """Every ``{pointer, code, detail}`` in marshmallow's nested *messages*."""
    if isinstance(messages, Mapping):
        for name, nested in messages.items():
            inner = pointer if name == "_schema" else f"{pointer}/{escape(name)}"
            yield from flaws(nested, inner)
    else:
        for message in messages:
            code, detail = coded(message)
            yield {"pointer": pointer, "code": code, "detail": detail}


def coded(message: str) -> tuple[str, str]:
    """The code and the sentence of one message; a message may itself be a code."""
    if isinstance(message, Wrong):
        return message.code, str(message)
    if message in KNOWN:
        return KNOWN[message]
    if CODE.fullmatch(message):
        return message, "This value is not acceptable here."
    if message.startswith("Not a valid"):
        return "invalid_type", message
    return ("invalid_value" if message.startswith("Must be one of") else "out_of_range"), message


def refusal(error: ValidationError, location: str) -> Problem:
    """The problem for what is wrong with the body (422, 404 for an unknown id) or the query (400,
    422 for dates)."""
    found = list(flaws(error.messages))
    first = found[0]
    if location == "query":
        named = [
            {"parameter": flaw["pointer"].removeprefix("/"), **flaw, "pointer": ""}
            for flaw in found
        ]
        errors = [{k: v for k, v in flaw.items() if v} for flaw in named]
        code = first["code"] if first["code"] in QUERY_CODES else "invalid_parameter"
        status = 422 if code == "invalid_date" else 400
        detail = f"Query parameter {first['pointer'][1:]}: {first['detail']}"
        return Refused(code, detail, status=status, errors=errors)
    if first["code"] == "not_found":
        return NotFound()
    where = f"{first['pointer']}: " if first["pointer"] else ""
    return Invalid(first["code"], f"{where}{first['detail']}", errors=found)
