"""Identifiers: lower-case UUIDv7 and confirmation numbers people can read out."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

ID_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: datetime) -> str:
    """A UUIDv7 (RFC 9562 §5.7): the milliseconds of *now*, then 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: object) -> bool:
    """Whether *text* is an id in the one spelling we make; checked before any look-up."""
    return isinstance(text, str) and ID_PATTERN.fullmatch(text) is not None


def confirmation_number() -> str:
    """Ten characters of Crockford's base 32: no I, L, O or U to misread over the phone."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(10))
