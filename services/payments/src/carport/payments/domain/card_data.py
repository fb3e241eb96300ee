"""Card numbers, recognised so that they can be refused: they never enter Carport."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carport.shared.kernel.ids import is_id

DIGITS_MIN, DIGITS_MAX = 13, 19
# A run of digits as people write card numbers: alone, or in groups with one blank or dash between.
RUN = re.compile(r"[0-9](?:[ -]?[0-9])*", re.ASCII)
# First digits of the networks in use, with the lengths they issue.
NETWORK = re.compile(
    r"4.{12}|4.{15}|4.{18}"  # Visa
    r"|5[1-5].{14}|2(?:22[1-9]|2[3-9].|[3-6]..|7[01].|720).{12}"  # Mastercard
    r"|3[47].{13}|3(?:0[0-5].|[68]..).{10,15}|35.{14,17}"  # Amex, Diners, JCB
    r"|6(?:011|4[4-9].|5..|2..).{12,15}",  # Discover, UnionPay
    re.ASCII,
)
DEPTH_MAX = 32


def is_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def has_card_number(text: str) -> bool:
    """Whether *text* holds a Luhn-valid run of 13 to 19 digits. Our own ids are let through."""
    return not is_id(text) and any(
        DIGITS_MIN <= len(run) <= DIGITS_MAX and is_luhn(run) for run in _runs(text)
    )


def is_card_number(text: str) -> bool:
    """The same for a field that is a number of another kind: also needs a network's prefix.

    One bank account number in ten with 13 or more digits passes Luhn by chance.
    """
    return any(is_luhn(run) and NETWORK.fullmatch(run) for run in _runs(text))


def strings(value: object, *, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every string in a JSON *value* with its JSON pointer, member names included."""
    if depth > DEPTH_MAX:
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield path, str(name)
            yield from strings(member, path=f"{path}/{name}", depth=depth + 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from strings(member, path=f"{path}/{index}", depth=depth + 1)


def _runs(text: str) -> Iterator[str]:
    for match in RUN.finditer(text):
        yield re.sub(r"[ -]", "", match.group())
