"""The texts a customer agrees to when registering, each version kept as it was agreed to."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def current() -> dict[str, Any]:
    """``{version, terms_of_use, esign_disclosure}``, both texts ``{version, title, text}``."""
    packed = resources.files(__package__).joinpath("terms.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(packed)
    return loaded
