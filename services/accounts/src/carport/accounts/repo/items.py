"""The facts of a contract: kept for good; a reversal marks one and takes it out of the replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.items import (
    Extension,
    Fee,
    Item,
    Payment,
    Quote,
    Refund,
    Return,
    Waiver,
    WriteOff,
)
from carport.accounts.tables import item, work_item
from carport.shared.rows import insert_all

KINDS: dict[type[Any], str] = {
    Payment: "payment",
    Refund: "refund",
    Fee: "fee",
    Waiver: "waiver",
    WriteOff: "write_off",
    Extension: "extension",
    Return: "return",
}
CLASSES = {name: cls for cls, name in KINDS.items()}
COLUMNS = ("id", "effective_on", "amount")
STANDING = sa.select(*(item.c[name] for name in (*COLUMNS, "contract_id", "kind", "data"))).where(
    item.c.contract_id.in_(sa.bindparam("contracts", expanding=True)),
    item.c.reversed_at.is_(None),
    item.c.effective_on <= sa.bindparam("through"),
)
IDS = sa.bindparam("ids", expanding=True)
KNOWN = sa.union_all(
    sa.select(item.c.id).where(item.c.id.in_(IDS)),
    sa.select(work_item.c.subject).where(
        work_item.c.kind == sa.bindparam("asked"), work_item.c.subject.in_(IDS)
    ),
)


def as_row(
    contract_id: str,
    fact: Item,
    *,
    now: datetime,
    source_event_id: str | None,
    note: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """*fact* and a *note* about it, to be kept by ``add``."""
    names = [name for name in type(fact).__dataclass_fields__ if name not in ("kind", *COLUMNS)]
    data = {name: _plain(getattr(fact, name)) for name in names}
    return {
        "id": fact.id,
        "contract_id": contract_id,
        "kind": KINDS[type(fact)],
        "effective_on": fact.effective_on,
        "amount": getattr(fact, "amount", None),
        "data": {**data, **({"note": note} if note else {})},
        "source_event_id": source_event_id,
        "recorded_at": now,
    }


def add(tx: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep facts. Raises IntegrityError when one is there already."""
    if rows:
        insert_all(tx, item, rows)


def known(tx: sa.Connection, ids: Sequence[str], *, asked: str) -> set[str]:
    """Which of *ids* are facts already, or something for which attention of this kind was asked."""
    return set(tx.execute(KNOWN, {"ids": ids, "asked": asked}).scalars())


def find(tx: sa.Connection, item_id: str) -> dict[str, Any] | None:
    """The stored row of a fact."""
    row = tx.execute(sa.select(item).where(item.c.id == item_id)).mappings().first()
    return None if row is None else dict(row)


def of_contract(tx: sa.Connection, contract_id: str) -> list[dict[str, Any]]:
    """Every fact of the contract, reversed ones included."""
    query = sa.select(item).where(item.c.contract_id == contract_id)
    return [dict(row) for row in tx.execute(query.order_by(item.c.id)).mappings()]


def standing(tx: sa.Connection, contract_id: str, *, through: date) -> list[Item]:
    """The facts that have not been reversed, effective by that day, as values."""
    return standing_of(tx, [contract_id], through=through)[contract_id]


def standing_of(
    tx: sa.Connection, contract_ids: Sequence[str], *, through: date
) -> dict[str, list[Item]]:
    """The same for many contracts at once, by contract."""
    found: dict[str, list[Item]] = {contract_id: [] for contract_id in contract_ids}
    for row in tx.execute(STANDING, {"contracts": contract_ids, "through": through}).mappings():
        found[row["contract_id"]].append(fact(row))
    return found


def reverse(tx: sa.Connection, item_id: str, *, now: datetime, reversal: dict[str, Any]) -> bool:
    """Mark a fact as reversed, once; False when it was already."""
    open_one = item.update().where(item.c.id == item_id, item.c.reversed_at.is_(None))
    return tx.execute(open_one.values(reversed_at=now, reversal=reversal)).rowcount == 1


def fact(row: Any) -> Item:
    """The value in a row."""
    cls = CLASSES[row["kind"]]
    data = {name: value for name, value in row["data"].items() if name != "note"}
    if data.get("quote"):
        data["quote"] = Quote(**data["quote"])
    if "amount" in cls.__dataclass_fields__:
        data["amount"] = row["amount"]
    found: Item = cls(id=row["id"], effective_on=row["effective_on"], **data)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Quote):
        return {"id": value.id, "amount": value.amount, "fees": value.fees, "tax": value.tax}
    return value
