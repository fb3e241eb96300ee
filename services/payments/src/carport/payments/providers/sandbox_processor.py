"""The card processor of the sandbox: scripted by token, with a table as its own truth.

It commits in transactions of its own, as a processor on the other side of a network would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from carport.payments.providers.processor import (
    Answer,
    Captured,
    Card,
    Declined,
    NoAnswer,
    Voided,
)
from carport.payments.tables import sandbox_charges
from carport.shared import failpoints
from carport.shared.db import insert_if_absent


@dataclass(frozen=True, slots=True)
class Script:
    """How a token behaves: declined with *decline*, or captured; *is_silent* loses the answer."""

    card: Card
    decline: Declined | None = None
    is_silent: bool = False


DECLINED = Declined("card_declined", "The bank declined the card. Try another way to pay.")
NO_FUNDS = Declined("insufficient_funds", "There is not enough money on the card's account.")

SCRIPTS: Mapping[str, Script] = {
    "tok_visa": Script(Card("Visa", "4242", "debit")),
    "tok_visa_credit": Script(Card("Visa", "1111", "credit")),
    "tok_mastercard": Script(Card("Mastercard", "4444", "debit")),
    "tok_declined": Script(Card("Visa", "0002", "debit"), decline=DECLINED),
    "tok_insufficient_funds": Script(Card("Visa", "9995", "debit"), decline=NO_FUNDS),
    "tok_timeout": Script(Card("Visa", "0119", "debit"), is_silent=True),
}


class SandboxProcessor:
    """See ``Processor``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def card(self, token: str) -> Card | None:
        """The scripted card."""
        script = SCRIPTS.get(token)
        return None if script is None else script.card

    def capture(
        self, key: str, *, token: str, amount: int, currency: str, deadline_s: float
    ) -> Answer:
        """Decide once per key; a silent token is charged all the same."""
        script = SCRIPTS[token]
        state = "declined" if script.decline else "captured"
        with self._engine.begin() as tx:
            insert_if_absent(
                tx,
                sandbox_charges,
                key=key,
                processor_token=token,
                amount=amount,
                currency=currency,
                state=state,
            )
            answer = _answer(tx, key)
        failpoints.hit("processor.after_capture")
        return NoAnswer() if script.is_silent or answer is None else answer

    def status(self, key: str, *, deadline_s: float) -> Answer | None:
        """What the table says."""
        with self._engine.connect().execution_options(carport_reading=True) as tx:
            return _answer(tx, key)

    def void(self, key: str, *, of: str, deadline_s: float) -> Answer:
        """Mark the charge voided; again is the same."""
        charge = sandbox_charges.c.key == of
        with self._engine.begin() as tx:
            tx.execute(sandbox_charges.update().where(charge).values(state="voided"))
        return Voided()


def _answer(tx: sa.Connection, key: str) -> Answer | None:
    query = sa.select(sandbox_charges).where(sandbox_charges.c.key == key)
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    if row["state"] == "voided":
        return Voided()
    decline = SCRIPTS[row["processor_token"]].decline
    return decline or Captured(row["amount"], row["currency"])
