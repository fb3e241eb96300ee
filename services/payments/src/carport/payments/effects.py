"""Calls to the card processor: claim with a token, call without a transaction, record fenced.

Before a call is made its attempt is counted. A second attempt therefore knows that the first may
have reached the processor, and asks what became of the key before it asks for money again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from carport.payments.commands import captures
from carport.payments.providers import installation
from carport.payments.providers.processor import Answer, Processor
from carport.payments.repo import calls
from carport.payments.repo.calls import Call
from carport.shared.kernel.ids import new_id
from carport.shared.service import Effect

DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A call and whom to call."""

    call: Call
    processor: Processor

    @property
    def traceparent(self) -> str | None:
        """Of what the call was opened in."""
        return self.call.traceparent


def claim(tx: sa.Connection, now: datetime) -> Sequence[Claimed]:
    """The calls that are due, leased to a new token."""
    processor = installation.processor(tx)
    if processor is None:
        return ()
    return [Claimed(call, processor) for call in calls.claim(tx, new_id(now), now)]


def ask(claimed: Claimed) -> Answer:
    """The processor's answer; with the same key it charges and voids at most once."""
    call, processor = claimed.call, claimed.processor
    if call.kind == "void":
        of = f"capture-{call.payment_id}"
        return processor.void(call.key, of=of, deadline_s=DEADLINE_S)
    if call.attempts:
        answer = processor.status(call.key, deadline_s=DEADLINE_S)
        if answer is not None:
            return answer
    return processor.capture(
        call.key,
        token=call.processor_token,
        amount=call.amount,
        currency=call.currency,
        deadline_s=DEADLINE_S,
    )


def record(tx: sa.Connection, claimed: Claimed, answer: Answer, now: datetime) -> None:
    """Store what became of the call."""
    captures.record(tx, claimed.call, answer, now=now)


EFFECTS = {"processor": Effect(claim, ask, record)}
