"""A payment that was taken out can be taken out again: neither its row nor a unique key says no."""

from __future__ import annotations

import sqlalchemy as sa
from carport.accounts.repo import books, items
from carport.accounts.tables import item, journal

reverse, as_row, original = items.reverse, books.as_row, books.Books._original


def reversed_again(tx, item_id, **more):
    tx.execute(item.update().where(item.c.id == item_id).values(reversed_at=sa.null()))
    return reverse(tx, item_id, **more)


def with_a_reference_of_its_own(contract, line, now):
    row = as_row(contract, line, now)
    own = f":{row['id']}" if line.journal.reverses else ""
    return {**row, "reference": row["reference"] + own}


def original_not_reversed_yet(page, *given):
    found = original(page, *given)
    query = sa.select(journal.c.id).where(journal.c.reverses_id == found)
    return None if page._tx.execute(query).first() else found


items.reverse, books.as_row = reversed_again, with_a_reference_of_its_own
books.Books._original = original_not_reversed_yet
