"""What to do with a refresh token that is presented: the whole rule of rotation and re-use.

A token is good once. Its successor is a function of it, so the same client asking again within ten
seconds (it lost the answer, or two tabs asked at once) gets the same successor; anything else that
comes back with a spent token is theft or a broken client, and ends the family.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

GRACE = timedelta(seconds=10)


class Verdict(Enum):
    """ROTATE: issue the successor. REPEAT: answer the same successor again. REFUSE: answer no,
    change nothing. REUSED: answer no and end the family."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REFUSE = "refuse"
    REUSED = "reused"


@dataclass(frozen=True)
class Presented:
    """A known refresh token: when it was spent, and whether its own client presents it."""

    spent_at: datetime | None
    same_client: bool


def decide(token: Presented, *, now: datetime) -> Verdict:
    """The verdict on *token* of a session that is live."""
    if token.spent_at is None:
        return Verdict.ROTATE if token.same_client else Verdict.REFUSE
    in_grace = now - token.spent_at <= GRACE
    return Verdict.REPEAT if in_grace and token.same_client else Verdict.REUSED
