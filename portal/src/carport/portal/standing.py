"""Where an account stands, in the one word a page is built around. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from carport.portal.formats import DAY, day_of

SOON_DAYS = 10

Kind = Literal["paid_off", "past_grace", "in_grace", "due_today", "due_soon", "on_track", "nothing"]
Choice = tuple[str, int]


@dataclass(frozen=True)
class Standing:
    """What is owed next: ``amount`` cents by ``due`` (``days`` from the account's as-of day)."""

    kind: Kind
    amount: int = 0
    due: date | None = None
    days: int = 0
    grace_ends: date | None = None

    @property
    def is_late(self) -> bool:
        return self.kind in ("past_grace", "in_grace")


def of(account: Mapping[str, Any]) -> Standing:
    """The standing of an account as ``GET /v1/accounts`` shows it.

    Late is judged by the oldest unpaid instalment: within its grace nothing has been charged yet.
    ``grace.ends_on`` is the next end of any grace period, which may be that of a later instalment.
    """
    if account["status"] == "paid_off":
        return Standing("paid_off")
    today = day_of(account["as_of"]) or date.min
    if account["past_due"] > 0:
        return _late(account, today)
    coming = account["next_due"]
    due = day_of(coming["date"]) if coming else None
    if due is None:
        return Standing("nothing")
    days = (due - today).days
    return Standing(
        _coming(days), coming["amount"], due, days, day_of(account["grace"].get("ends_on"))
    )


def amounts(account: Mapping[str, Any]) -> list[Choice]:
    """The amounts worth offering with one press, as (name, cents), most sensible first."""
    standing = of(account)
    fees, coming = account["fees"], account["next_due"]
    found: list[Choice] = []
    if standing.is_late:
        found.append(("past_due", standing.amount))
        if fees > 0:
            found.append(("past_due_and_fees", standing.amount + fees))
    elif standing.amount > 0:
        found.append(("next_due", standing.amount))
        if fees > 0:
            found.append(("next_due_and_fees", standing.amount + fees))
    elif fees > 0:
        found.append(("fees", fees))
    late_and_next = standing.is_late and coming and _after(coming["date"], account["as_of"])
    if late_and_next:
        found.append(("past_due_and_next", standing.amount + coming["amount"]))
    return found


def _late(account: Mapping[str, Any], today: date) -> Standing:
    amount, days = account["past_due"], account["days_past_due"]
    grace_left = account["grace"]["days"] - days
    if grace_left < 0:
        return Standing("past_grace", amount, days=-days)
    return Standing("in_grace", amount, days=-days, grace_ends=today + DAY * grace_left)


def _coming(days: int) -> Kind:
    if days <= 0:
        return "due_today"
    return "due_soon" if days <= SOON_DAYS else "on_track"


def _after(day: str, other: str) -> bool:
    return day > other
