"""People on contracts: one party each, found again by customer number or by who they are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.accounts.tables import contract_party, party
from carport.shared.db import insert_if_absent, settings
from carport.shared.kernel.identity import last_name_key
from carport.shared.kernel.ids import new_id
from carport.shared.sealed import AtRest, decode

CONTACT = ("first_name", "last_name", "email", "phone", "language", "address")


def identity_key(tx: sa.Connection) -> bytes:
    """The key that match and merge keys are made with."""
    return decode(settings(tx).keys["identity"])


def merge_key(key: bytes, *, ssn_last4: str, birth_date: date, last_name: str) -> str:
    """Hex HMAC-SHA256 of what tells one person from another (decision 29)."""
    text = "|".join(("merge", ssn_last4, birth_date.isoformat(), last_name_key(last_name)))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def find_or_add(tx: sa.Connection, person: Mapping[str, Any], now: datetime) -> tuple[str, bool]:
    """The id of the party *person* is, and whether it is new.

    Found by ``customer_number``, else by (SSN last 4, birth date, last name). Contact data of a
    party that is known stays as it is: the customer may have changed it since.
    """
    names = ("ssn_last4", "birth_date", "last_name")
    merge = merge_key(identity_key(tx), **{name: person[name] for name in names})
    number = person.get("customer_number")
    found = _find(tx, number, merge)
    if found is not None:
        if number and found["customer_number"] is None:
            update(tx, found["id"], customer_number=number)
        return found["id"], False
    party_id = new_id(now)
    at_rest = AtRest(settings(tx).keys["at_rest"])
    values = {name: person.get(name) for name in (*CONTACT, "birth_date", "customer_number")}
    values |= {
        "id": party_id,
        "merge_key": merge,
        "last_name_key": last_name_key(person["last_name"]),
        "ssn_last4": at_rest.encrypt(person["ssn_last4"], "party", "ssn_last4", party_id),
        "language": person.get("language") or "en",
        "created_at": now,
    }
    tx.execute(party.insert().values(values))
    return party_id, True


def _find(tx: sa.Connection, number: str | None, merge: str) -> Any:
    if number:
        query = sa.select(party).where(party.c.customer_number == number)
        found = tx.execute(query).mappings().first()
        if found is not None:
            return found
    same = party.c.merge_key == merge
    if number:
        same = sa.and_(same, party.c.customer_number.is_(None))
    query = sa.select(party).where(same).order_by(party.c.created_at, party.c.id).limit(1)
    return tx.execute(query).mappings().first()


def join(tx: sa.Connection, contract_id: str, party_id: str, role: str) -> bool:
    """Put the party on the contract; False when it is on it already."""
    return insert_if_absent(
        tx, contract_party, contract_id=contract_id, party_id=party_id, role=role
    )


def get(tx: sa.Connection, party_id: str) -> dict[str, Any] | None:
    """The party's row."""
    row = tx.execute(sa.select(party).where(party.c.id == party_id)).mappings().first()
    return None if row is None else dict(row)


def lock(tx: sa.Connection, party_id: str) -> dict[str, Any] | None:
    """The party's row, locked until *tx* ends."""
    query = sa.select(party).where(party.c.id == party_id).with_for_update()
    row = tx.execute(query).mappings().first()
    return None if row is None else dict(row)


def update(tx: sa.Connection, party_id: str, **values: Any) -> None:
    """Set columns of a party."""
    tx.execute(party.update().where(party.c.id == party_id).values(values))


def of_contract(tx: sa.Connection, contract_id: str) -> list[dict[str, Any]]:
    """The parties of a contract with their ``role``, the primary first."""
    query = (
        sa.select(party, contract_party.c.role, contract_party.c.linked_at)
        .join(contract_party, contract_party.c.party_id == party.c.id)
        .where(contract_party.c.contract_id == contract_id)
        .order_by(contract_party.c.role.desc(), party.c.created_at, party.c.id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def mark_linked(tx: sa.Connection, contract_id: str, party_id: str, now: datetime) -> bool:
    """Note that the party sees the contract in a login; False when it is not on the contract."""
    change = contract_party.update().where(
        contract_party.c.contract_id == contract_id, contract_party.c.party_id == party_id
    )
    return tx.execute(change.values(linked_at=now)).rowcount == 1
