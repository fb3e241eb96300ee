"""Owns reading the members of a JSON object strictly, noting every problem under its pointer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from carport.accounts.domain.terms_rules import Problem
from carport.shared.kernel.days import parse_day

YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2199
PLACEHOLDER_DAY: Final = date(2000, 1, 1)
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,20})?", re.ASCII)
_Word = TypeVar("_Word", bound=str)


class Members:
    """Reads members of one JSON object and notes what is wrong under their pointers."""

    def __init__(
        self, members: Mapping[str, object], *, at: str = "", problems: list[Problem] | None = None
    ) -> None:
        self.members = members
        self.at = at
        self.problems: list[Problem] = [] if problems is None else problems

    def refuse(self, name: str, code: str, message: str) -> None:
        self.problems.append(Problem(f"{self.at}/{name}", code, message))

    def has(self, name: str) -> bool:
        return self.members.get(name) is not None

    def only(self, known: frozenset[str]) -> None:
        for name in sorted(self.members.keys() - known):
            self.refuse(name, "unknown_member", "is not a term of this product")

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        value = self.members.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            self.refuse(name, "missing", "is required")
        elif not isinstance(value, int) or isinstance(value, bool):
            self.refuse(name, "invalid_type", "must be an integer")
        elif not low <= value <= high:
            self.refuse(name, "out_of_range", f"must lie between {low} and {high}")
        else:
            return value
        return low

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        return self.integer(name, low, high) if self.has(name) else None

    def day(self, name: str) -> date:
        value = self.members.get(name)
        if value is None:
            self.refuse(name, "missing", "is required")
            return PLACEHOLDER_DAY
        try:
            day = parse_day(value)
        except ValueError:
            self.refuse(name, "impossible_date", "must be a date written YYYY-MM-DD")
            return PLACEHOLDER_DAY
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            self.refuse(name, "impossible_date", f"lies outside {YEAR_MIN} to {YEAR_MAX}")
            return PLACEHOLDER_DAY
        return day

    def fraction(self, name: str, *, places: int) -> Decimal:
        """A decimal fraction below 1 as text: ``"0.0649"``."""
        value = self.members.get(name)
        if value is None:
            self.refuse(name, "missing", "is required")
        elif not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            self.refuse(name, "invalid_type", 'must be a decimal fraction as text: "0.0649"')
        elif Decimal(value) >= 1 or Decimal(value) != round(Decimal(value), places):
            self.refuse(name, "out_of_range", f"must be below 1, with at most {places} places")
        else:
            return Decimal(value)
        return Decimal(0)

    def word(self, name: str, words: tuple[_Word, ...], default: _Word | None = None) -> _Word:
        value = self.members.get(name)
        if value is None and default is not None:
            return default
        for word in words:
            if value == word:
                return word
        self.refuse(name, "missing" if value is None else "invalid_type", f"is one of {words}")
        return words[0]

    def object(self, name: str) -> Members | None:
        """The reader of a nested object; None when it is absent."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.refuse(name, "invalid_type", "must be an object")
            return None
        return Members(value, at=f"{self.at}/{name}", problems=self.problems)
