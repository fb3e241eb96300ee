"""What a customer can do at the end of a lease, and why something is not possible: rules as data.

Each rule names the options it closes, a stable code, the test, and the sentence a customer reads.
An option is open when none of its rules applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from carport.lease.domain.lease import Standing

TITLES = {
    "extend": "Extend the lease",
    "buyout": "Buy the vehicle",
    "turn_in": "Return the vehicle",
}
OPENS_DAYS_BEFORE: dict[str, int | None] = {"extend": 120, "buyout": None, "turn_in": 90}
"""Days before the maturity date from which an option is open; None: the whole term."""
PAST_DUE_DAYS_MAX = 60
"""An extension is not offered to a lease further past due (domain rule 2.6)."""


@dataclass(frozen=True)
class Reason:
    """Why an option is closed: a stable code and a sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class Option:
    """One way to end the lease; *opens_on* is None when it is open or time will not open it."""

    type: str
    title: str
    is_open: bool
    opens_on: date | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Rule:
    """Closes *options* when *applies*."""

    code: str
    options: frozenset[str]
    applies: Callable[[Standing, str], bool]
    text: Callable[[Standing, str], str]


def opens_on(standing: Standing, option: str) -> date | None:
    """The day the option opens; None when it is open during the whole term."""
    days = OPENS_DAYS_BEFORE[option]
    return None if days is None else standing.maturity_date - timedelta(days=days)


def is_before_opening(standing: Standing, option: str) -> bool:
    """Whether the day the option opens is still to come."""
    first = opens_on(standing, option)
    return first is not None and standing.as_of < first


def already_paid_off(standing: Standing, _option: str) -> str:
    """With the date, once it is known."""
    when = f" on {long_date(standing.paid_off_on)}" if standing.paid_off_on else ""
    return f"This lease was already paid off{when}; there is nothing left to choose."


def long_date(day: date) -> str:
    """``March 1, 2026``."""
    return f"{day:%B} {day.day}, {day.year}"


ALL = frozenset(TITLES)
CLOSED = Rule(
    "paid_off",
    ALL,
    lambda standing, _: not standing.is_open,
    already_paid_off,
)
RULES = (
    Rule(
        "not_open_yet",
        ALL,
        is_before_opening,
        lambda standing, option: (
            f"This opens on {long_date(opens_on(standing, option) or standing.as_of)}, "
            f"{OPENS_DAYS_BEFORE[option]} days before the lease ends."
        ),
    ),
    Rule(
        "lease_ended",
        frozenset({"extend"}),
        lambda standing, _: standing.days_to_maturity < 0,
        lambda standing, _: (
            f"The lease ended on {long_date(standing.maturity_date)}. An extension has to be asked "
            "for before that day; call us if you still have the vehicle."
        ),
    ),
    Rule(
        "past_due",
        frozenset({"extend"}),
        lambda standing, _: standing.days_past_due > PAST_DUE_DAYS_MAX,
        lambda standing, _: (
            f"The account is {standing.days_past_due} days past due. An extension is possible when "
            f"it is at most {PAST_DUE_DAYS_MAX} days past due: pay what is past due, then ask "
            "again."
        ),
    ),
    Rule(
        "total_loss",
        ALL,
        lambda standing, _: "total_loss" in standing.flags,
        lambda *_: (
            "The vehicle was reported as a total loss. Call us: the insurance settlement comes "
            "first."
        ),
    ),
    Rule(
        "bankruptcy",
        frozenset({"extend", "buyout"}),
        lambda standing, _: "bankruptcy" in standing.flags,
        lambda *_: (
            "A bankruptcy is on record for this account. Call us, or have your attorney call, "
            "before you choose."
        ),
    ),
)


def options(standing: Standing) -> list[Option]:
    """Every way to end the lease, open or with all the reasons why not."""
    return [_option(standing, type_) for type_ in TITLES]


def _option(standing: Standing, type_: str) -> Option:
    rules = RULES if standing.is_open else (CLOSED,)
    reasons = tuple(
        Reason(rule.code, rule.text(standing, type_))
        for rule in rules
        if type_ in rule.options and rule.applies(standing, type_)
    )
    waits = standing.is_open and is_before_opening(standing, type_)
    return Option(
        type=type_,
        title=TITLES[type_],
        is_open=not reasons,
        opens_on=opens_on(standing, type_) if waits else None,
        reasons=reasons,
    )
