"""The words for payment methods and for where the money of a payment went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carport.shared.kernel.money import display

PARTS = {
    "retail": {
        "interest": "Interest",
        "principal": "Principal",
        "fees": "Fees",
        "tax": "Tax",
        "unapplied": "Kept as credit for what comes due next",
    },
    "lease": {
        "interest": "Rent charge",
        "principal": "Lease balance",
        "rental": "Lease payment",
        "fees": "Fees",
        "tax": "Tax",
        "unapplied": "Kept as credit for the next lease payment",
    },
}
METHODS = {
    "bank_account": "bank account ending in",
    "card": "card ending in",
    "cheque": "check by mail, number ending in",
}


def allocation_lines(product: str, allocation: Mapping[str, int]) -> list[tuple[str, str]]:
    """``(label, amount)`` of every part of *allocation* (cents) that is not nothing, so that the
    lines add up to the payment; what a later release adds beside the cents is left out."""
    words = PARTS.get(product, {})
    return [
        (words.get(part, part.replace("_", " ").capitalize()), display(amount))
        for part, amount in allocation.items()
        if isinstance(amount, int) and amount
    ]


def method_name(method: Mapping[str, Any]) -> str:
    """``Visa card ending in 4242``, ``bank account ending in 6789``."""
    brand = f"{method['brand']} " if method["type"] == "card" else ""
    return f"{brand}{METHODS[method['type']]} {method['last4']}"
