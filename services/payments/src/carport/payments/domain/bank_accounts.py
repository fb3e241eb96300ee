"""What a US bank account looks like: ABA routing numbers and account numbers."""

from __future__ import annotations

import re

ROUTING = re.compile(r"[0-9]{9}", re.ASCII)
ACCOUNT_NUMBER = re.compile(r"[0-9]{4,17}", re.ASCII)
WEIGHTS = (3, 7, 1) * 3
# The Federal Reserve districts (01-12), thrifts (21-32), electronic (61-72), traveler's cheques.
PREFIXES = frozenset((*range(1, 13), *range(21, 33), *range(61, 73), 80))


class InvalidBankAccount(Exception):
    """Refused before any money depends on it."""

    code = "invalid_bank_account"

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


def is_routing_number(text: str) -> bool:
    """Nine ASCII digits, a prefix in use, weighted sum (3, 7, 1) divisible by ten."""
    if not ROUTING.fullmatch(text) or int(text[:2]) not in PREFIXES:
        return False
    return sum(w * int(d) for w, d in zip(WEIGHTS, text, strict=True)) % 10 == 0


def check(*, routing_number: str, account_number: str) -> None:
    """Raises InvalidBankAccount, naming the member that is wrong."""
    if not is_routing_number(routing_number):
        raise InvalidBankAccount(
            "This is not a routing number. It has nine digits and stands at the bottom left of a"
            " cheque; no money moved.",
            "/routing_number",
        )
    if not ACCOUNT_NUMBER.fullmatch(account_number):
        raise InvalidBankAccount(
            "An account number has 4 to 17 digits and nothing else. Copy it from a cheque or a"
            " statement; no money moved.",
            "/account_number",
        )
