"""The state machine of a payment: every transition there is, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a payment stands between the customer's order and the ledger."""

    SCHEDULED = "scheduled"
    PROCESSING = "processing"  # to be asked, or being asked
    UNKNOWN = "unknown"  # asked, no answer within the deadline
    ACCEPTED = "accepted"  # ours to post: credit given, money captured or promised
    POSTED = "posted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    DISPUTED = "disputed"
    REFUNDED = "refunded"


class Settlement(StrEnum):
    """How far the money has come, beside the state."""

    NONE = "none"
    SUBMITTED = "submitted"
    SETTLED = "settled"
    CLEARED = "cleared"


FIRST = frozenset({State.SCHEDULED, State.PROCESSING, State.ACCEPTED})

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.SCHEDULED: frozenset(
        {State.PROCESSING, State.ACCEPTED, State.CANCELLED, State.FAILED},
    ),
    State.PROCESSING: frozenset({State.ACCEPTED, State.FAILED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.ACCEPTED, State.FAILED}),
    State.ACCEPTED: frozenset({State.POSTED, State.CANCELLED, State.FAILED}),
    State.POSTED: frozenset(
        {State.CANCELLED, State.RETURNED, State.DISPUTED, State.REFUNDED},
    ),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.RETURNED: frozenset(),
    State.DISPUTED: frozenset(),
    State.REFUNDED: frozenset(),
}

IN_FLIGHT = frozenset({State.PROCESSING, State.UNKNOWN, State.ACCEPTED})
"""Ordered and perhaps not yet in the balance that accounts last told."""

MONEY_MOVED: Mapping[State, str] = {
    State.SCHEDULED: "no",
    State.PROCESSING: "unknown",
    State.UNKNOWN: "unknown",
    State.ACCEPTED: "yes",
    State.POSTED: "yes",
    State.FAILED: "no",
    State.CANCELLED: "no",
    State.RETURNED: "no",
    State.DISPUTED: "unknown",
    State.REFUNDED: "no",
}

NEXT_SETTLEMENT: Mapping[Settlement, Settlement] = {
    Settlement.NONE: Settlement.SUBMITTED,
    Settlement.SUBMITTED: Settlement.SETTLED,
    Settlement.SETTLED: Settlement.CLEARED,
}


class IllegalTransition(Exception):
    """A programming error: nobody outside can ask for a transition that does not exist."""

    code = "illegal_transition"


def check(before: State | None, after: State) -> None:
    """Raises IllegalTransition unless *after* may follow *before* (None: a new payment)."""
    allowed = FIRST if before is None else TRANSITIONS[before]
    if after not in allowed:
        raise IllegalTransition(f"{before or 'new'} -> {after}")


def faults(history: list[tuple[int, str]]) -> list[str]:
    """What is wrong with a payment's ``(seq, state)`` history: gaps, forbidden steps."""
    found = []
    before: State | None = None
    for expected, (seq, name) in enumerate(history, start=1):
        if seq != expected:
            found.append(f"history step {expected} is numbered {seq}")
        state = State(name)
        try:
            check(before, state)
        except IllegalTransition as error:
            found.append(f"history step {seq} is not allowed: {error}")
        before = state
    return found
