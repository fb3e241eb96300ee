"""The bank of the sandbox: which entries it has received, settled and returned, as its own truth.

It ships with the product and shares the database, so that a file handed over is a row beside ours.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from carport.payments.tables import sandbox_bank_entries
from carport.shared.db import insert_if_absent


def receive(tx: sa.Connection, payment_id: str, *, amount: int, file_date: date) -> None:
    """An entry of the file of *file_date*; the same entry again is ignored."""
    insert_if_absent(
        tx,
        sandbox_bank_entries,
        payment_id=payment_id,
        amount=amount,
        file_date=file_date,
        state="received",
    )


def settle(tx: sa.Connection, payment_id: str) -> None:
    """Move the money of an entry, provisionally as ever with ACH."""
    _change(tx, payment_id, state="settled")


def send_back(tx: sa.Connection, payment_id: str, code: str) -> None:
    """Return an entry."""
    _change(tx, payment_id, state="returned", return_code=code)


def _change(tx: sa.Connection, payment_id: str, **values: str) -> None:
    mine = sandbox_bank_entries.c.payment_id == payment_id
    tx.execute(sandbox_bank_entries.update().where(mine).values(**values))
