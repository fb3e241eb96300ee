"""Where an account stands, in the one word a page is built around. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from carport.portal.formats import day_of

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

    Within grace nothing has been charged yet; after it a late fee may have been. Both are past due.
    """
    if account["status"] == "paid_off":
        return Standing("paid_off")
    today = day_of(account["as_of"]) or date.min
    grace_ends = day_of(account["grace"].get("ends_on"))
    if account["past_due"] > 0:
        kind: Kind = "in_grace" if grace_ends and today <= grace_ends else "past_grace"
        return Standing(
            kind,
            account["past_due"],
            days=-account["days_past_due"],
            grace_ends=grace_ends,
        )
    coming = account["next_due"]
    due = day_of(coming["date"]) if coming else None
    if due is None:
        return Standing("nothing")
    days = (due - today).days
    return Standing(_coming(days), coming["amount"], due, days, grace_ends)


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


def _coming(days: int) -> Kind:
    if days <= 0:
        return "due_today"
    return "due_soon" if days <= SOON_DAYS else "on_track"


def _after(day: str, other: str) -> bool:
    return day > other
