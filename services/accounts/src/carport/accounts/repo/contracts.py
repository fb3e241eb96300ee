"""Contracts: locked loads, inserts and the few columns that move."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from carport.accounts.domain.terms import Terms
from carport.accounts.domain.terms_json import dump_terms, parse_terms
from carport.accounts.tables import contract, contract_party
from carport.shared.rows import given, members

TERMS_CACHED = 4096
MOVING = ("status", "maturity_date", "next_action_on", "version", "closed_through")

LOCK = (
    sa.select(contract)
    .where(contract.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(contract.c.id)
    .with_for_update()
)


def _storing(key: sa.ColumnElement[Any], *moved: sa.ColumnElement[Any]) -> sa.Update:
    new = dict(zip(MOVING, moved, strict=True))
    return contract.update().where(contract.c.id == key).values(new)


STORE = {
    "sqlite": _storing(*map(sa.bindparam, ("key", *MOVING))),
    "postgresql": _storing(
        *members(contract, {"key": contract.c.id, **{name: contract.c[name] for name in MOVING}})
    ),
}


@dataclass(frozen=True)
class Contract:
    """One contract as stored. ``closed_through`` is its last closed business day."""

    id: str
    account_number: str
    product: str
    status: str
    currency: str
    state: str
    terms: Terms
    vehicle: dict[str, Any]
    contract_date: date
    maturity_date: date
    closed_through: date
    next_action_on: date | None
    version: int
    boarded_at: datetime

    @property
    def open_day(self) -> date:
        """The business day its journals are booked on."""
        return self.closed_through + timedelta(days=1)


@lru_cache(maxsize=TERMS_CACHED)
def _terms(text: str) -> Terms:
    return parse_terms(json.loads(text))


def _contract(row: Any) -> Contract:
    values = {name: row[name] for name in Contract.__dataclass_fields__}
    return Contract(**{**values, "terms": _terms(row["terms"])})


def insert(tx: sa.Connection, new: Contract) -> None:
    """Store a new contract. Raises IntegrityError when its account number is taken."""
    values = {name: getattr(new, name) for name in Contract.__dataclass_fields__}
    text = json.dumps(dump_terms(new.terms), separators=(",", ":"))
    tx.execute(contract.insert().values({**values, "terms": text, "vin": new.vehicle["vin"]}))


def lock(tx: sa.Connection, contract_id: str) -> Contract | None:
    """The contract, locked until *tx* ends; None when it is unknown."""
    query = sa.select(contract).where(contract.c.id == contract_id).with_for_update()
    row = tx.execute(query).mappings().first()
    return None if row is None else _contract(row)


def lock_many(tx: sa.Connection, contract_ids: Iterable[str]) -> dict[str, Contract]:
    """Those of *contract_ids* that exist, by id, locked in one order until *tx* ends."""
    rows = tx.execute(LOCK, {"ids": sorted(set(contract_ids))}).mappings()
    return {row["id"]: _contract(row) for row in rows}


def find(tx: sa.Connection, contract_id: str) -> Contract | None:
    """The contract, not locked."""
    row = tx.execute(sa.select(contract).where(contract.c.id == contract_id)).mappings().first()
    return None if row is None else _contract(row)


def many(tx: sa.Connection, contract_ids: Iterable[str]) -> list[Contract]:
    """Those of *contract_ids* that exist, the oldest first."""
    query = sa.select(contract).where(contract.c.id.in_(list(contract_ids)))
    ordered = query.order_by(contract.c.boarded_at, contract.c.id)
    return [_contract(row) for row in tx.execute(ordered).mappings()]


def is_taken(tx: sa.Connection, account_number: str) -> bool:
    """Whether a contract has this account number."""
    query = sa.select(contract.c.id).where(contract.c.account_number == account_number)
    return tx.execute(query).first() is not None


def store(tx: sa.Connection, changed: Sequence[Contract]) -> None:
    """Write the columns that move, of contracts the caller has locked."""
    if not changed:
        return
    rows = [{"key": one.id, **{name: getattr(one, name) for name in MOVING}} for one in changed]
    tx.execute(STORE[tx.dialect.name], given(tx, contract, rows))


def skip_idle(tx: sa.Connection, day: date, limit: int) -> int:
    """Close *day*, set-wise, for at most *limit* contracts on which it has no work; how many."""
    has_none = sa.or_(contract.c.next_action_on.is_(None), contract.c.next_action_on > day)
    before = contract.c.closed_through == day - timedelta(days=1)
    idle = sa.select(contract.c.id).where(before, has_none).order_by(contract.c.id).limit(limit)
    skipped = contract.update().where(contract.c.id.in_(idle), before, has_none)
    return tx.execute(skipped.values(closed_through=day)).rowcount


def lock_unclosed(tx: sa.Connection, day: date, limit: int) -> list[Contract]:
    """At most *limit* contracts whose *day* is not closed, locked; others' locks are passed by."""
    query = (
        sa.select(contract)
        .where(contract.c.closed_through < day)
        .order_by(contract.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_contract(row) for row in tx.execute(query).mappings()]


def has_unclosed(tx: sa.Connection, day: date) -> bool:
    """Whether a contract is left whose *day* is not closed."""
    query = sa.select(contract.c.id).where(contract.c.closed_through < day).limit(1)
    return tx.execute(query).first() is not None


def of_party(tx: sa.Connection, party_id: str) -> list[str]:
    """Ids of the contracts a party is on."""
    query = sa.select(contract_party.c.contract_id).where(contract_party.c.party_id == party_id)
    return list(tx.execute(query.order_by(contract_party.c.contract_id)).scalars())


def roles(tx: sa.Connection, contract_ids: Sequence[str], party_id: str) -> dict[str, str]:
    """The role the party has on each of *contract_ids*."""
    query = sa.select(contract_party.c.contract_id, contract_party.c.role).where(
        contract_party.c.party_id == party_id, contract_party.c.contract_id.in_(contract_ids)
    )
    return {row[0]: row[1] for row in tx.execute(query)}
