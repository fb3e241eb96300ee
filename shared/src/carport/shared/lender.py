"""The lender's profile: names, addresses, hours and rules that are data, from one TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import time
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from carport.shared.config import Misconfigured

PRODUCTS = ("retail", "lease")
PURPOSES = ("payment", "payoff")
DELIVERIES = ("regular", "overnight")


@dataclass(frozen=True)
class Address:
    """Where to send what: the overnight address is not for regular mail."""

    product: str
    purpose: str
    delivery: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Lender:
    """*cut_off* is local time in *time_zone*; *cards* says which kinds are taken."""

    name: str
    phone: str
    email: str
    hours: tuple[str, ...]
    chat_hours: str
    time_zone: str
    currency: str
    languages: tuple[str, ...]
    cut_off: time
    grace_days: int
    late_fee: str
    cards: dict[str, bool]
    colours: dict[str, str]
    addresses: tuple[Address, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of every local time of this lender."""
        return ZoneInfo(self.time_zone)

    def address(self, product: str, purpose: str, delivery: str) -> Address:
        """Where to send. Every combination exists: the profile was checked."""
        wanted = (product, purpose, delivery)
        return next(a for a in self.addresses if (a.product, a.purpose, a.delivery) == wanted)


@cache
def load(path: Path | None = None) -> Lender:
    """The profile at *path*, default the sample that ships; read once. Raises Misconfigured."""
    source = path or resources.files("carport.shared").joinpath("lenders", "kia.toml")
    try:
        given = tomllib.loads(source.read_text(encoding="utf-8"))
        addresses = given.pop("addresses")
        profile = Lender(
            **{name: frozen(value) for name, value in given.items()},
            addresses=tuple(Address(**{k: frozen(v) for k, v in a.items()}) for a in addresses),
        )
        check(profile)
    except (OSError, ValueError, KeyError, TypeError, ZoneInfoNotFoundError) as error:
        raise Misconfigured(f"{source} is no lender profile: {error}") from None
    return profile


def frozen(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(value) if isinstance(value, list) else value


def check(profile: Lender) -> None:
    """Raises ValueError, TypeError or ZoneInfoNotFoundError for a profile that cannot work."""
    missing = [
        (product, purpose, delivery)
        for product in PRODUCTS
        for purpose in PURPOSES
        for delivery in DELIVERIES
        if not any((a.product, a.purpose, a.delivery) == (product, purpose, delivery)
                   for a in profile.addresses)
    ]  # fmt: skip
    if missing:
        raise ValueError(f"no address for {missing[0]}")
    kinds = {"cut_off": time, "grace_days": int, "cards": dict, "name": str, "hours": tuple}
    for name, kind in kinds.items():
        if not isinstance(getattr(profile, name), kind):
            raise TypeError(f"{name} must be a {kind.__name__}")
    if set(profile.cards) != {"debit", "credit"}:
        raise ValueError("cards must say debit and credit")
    ZoneInfo(profile.time_zone)
