"""Users, the parties they are, and the contracts those stand on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.auth import tables
from carport.auth.domain.names import canonical
from carport.shared.db import insert_if_absent

PARTIES_PER_CONTRACT_MAX = 20
ACCOUNTS_PER_USER_MAX = 100

Row = sa.Row[Any]


def find_user(tx: sa.Connection, user_id: str) -> Row | None:
    """The user with that id."""
    return tx.execute(sa.select(tables.user).where(tables.user.c.id == user_id)).first()


def find_user_named(tx: sa.Connection, name: str) -> Row | None:
    """The user whose user name, or whose address when there is an @ in it, is *name*."""
    column = tables.user.c.email_key if "@" in name else tables.user.c.username_key
    return tx.execute(sa.select(tables.user).where(column == canonical(name))).first()


def lock_user(tx: sa.Connection, user_id: str) -> Row | None:
    """The user with that id, locked."""
    return tx.execute(
        sa.select(tables.user).where(tables.user.c.id == user_id).with_for_update()
    ).first()


def is_username_free(tx: sa.Connection, username: str) -> bool:
    """Whether nobody has that user name in any spelling."""
    taken = sa.select(tables.user.c.id).where(tables.user.c.username_key == canonical(username))
    return tx.execute(taken).first() is None


def add_user(tx: sa.Connection, **values: Any) -> bool:
    """Insert a user; False when its name or address is somebody's already."""
    return insert_if_absent(tx, tables.user, **values)


def change_user(tx: sa.Connection, user_id: str, **values: Any) -> None:
    """Set columns of a user."""
    tx.execute(tables.user.update().where(tables.user.c.id == user_id).values(**values))


def record_identity(tx: sa.Connection, identity: dict[str, Any]) -> None:
    """Insert who stands on a contract, or update it when what is stored is older."""
    if insert_if_absent(tx, tables.identity, **identity):
        return
    key = {name: identity[name] for name in ("account_id", "party_id")}
    older = sa.or_(
        tables.identity.c.recorded_at.is_(None),
        tables.identity.c.recorded_at < identity["recorded_at"],
    )
    tx.execute(tables.identity.update().filter_by(**key).where(older).values(**identity))


def add_holder(tx: sa.Connection, *, account_id: str, party_id: str, role: str) -> None:
    """Note that the party stands on the contract, when that is not known yet."""
    insert_if_absent(tx, tables.identity, account_id=account_id, party_id=party_id, role=role)


def identities_of_number(tx: sa.Connection, account_number: str) -> list[Row]:
    """The people on the contract with that (normalised) number."""
    query = sa.select(tables.identity).where(tables.identity.c.account_number == account_number)
    return list(tx.execute(query.limit(PARTIES_PER_CONTRACT_MAX)))


def holdings(tx: sa.Connection, party_id: str) -> list[Row]:
    """The contracts a party stands on, oldest first."""
    query = sa.select(tables.identity).where(tables.identity.c.party_id == party_id)
    return list(
        tx.execute(query.order_by(tables.identity.c.account_id).limit(ACCOUNTS_PER_USER_MAX))
    )


def lock_party(tx: sa.Connection, party_id: str) -> Row:
    """The party's row, made when it is new, locked."""
    insert_if_absent(tx, tables.party, id=party_id)
    return tx.execute(
        sa.select(tables.party).where(tables.party.c.id == party_id).with_for_update()
    ).one()


def find_party(tx: sa.Connection, party_id: str) -> Row | None:
    """The party's row."""
    return tx.execute(sa.select(tables.party).where(tables.party.c.id == party_id)).first()


def give_party(tx: sa.Connection, party_id: str, *, user_id: str) -> None:
    """The party is that user."""
    tx.execute(tables.party.update().where(tables.party.c.id == party_id).values(user_id=user_id))


def add_link(
    tx: sa.Connection, *, user_id: str, account_id: str, party_id: str, role: str, now: datetime
) -> bool:
    """The user may see the contract; False when that was so before."""
    link = {"user_id": user_id, "account_id": account_id, "party_id": party_id, "role": role}
    return insert_if_absent(tx, tables.account_link, **link, linked_at=now)


def account_ids(tx: sa.Connection, user_id: str) -> list[str]:
    """The contracts a user may see, oldest link first."""
    query = (
        sa.select(tables.account_link.c.account_id)
        .where(tables.account_link.c.user_id == user_id)
        .order_by(tables.account_link.c.linked_at, tables.account_link.c.account_id)
        .limit(ACCOUNTS_PER_USER_MAX)
    )
    return list(tx.execute(query).scalars())
