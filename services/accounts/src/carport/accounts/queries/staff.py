"""What staff see: any contract, the books as a whole, and how the closes went."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa

from carport.accounts.commands.day import missing
from carport.accounts.domain.chart import ACCOUNTS
from carport.accounts.domain.terms_json import dump_terms
from carport.accounts.events import unsatisfied
from carport.accounts.queries import accounts, transactions
from carport.accounts.repo import parties
from carport.accounts.tables import (
    anchor,
    contract,
    contract_party,
    day_close,
    entry,
    party,
)
from carport.shared import business_day
from carport.shared.kernel.identity import last_name_key
from carport.shared.pagination import page

PERSON = ("id", "role", "customer_number", "first_name", "last_name", "email", "phone",
          "birth_date", "language", "address", "linked_at")  # fmt: skip


def search(tx: sa.Connection, text: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Contracts whose account number, VIN or a customer's last name starts with *text*."""
    upper, name = text.strip().upper(), last_name_key(text)
    number = contract.c.account_number.startswith(upper, autoescape=True)
    vin = sa.or_(
        contract.c.vin.startswith(upper, autoescape=True),
        contract.c.vin.endswith(upper, autoescape=True),
    )
    wanted = [number, vin]
    if name:
        named = party.c.last_name_key.startswith(name, autoescape=True)
        wanted.append(contract.c.id.in_(
            sa.select(contract_party.c.contract_id)
            .join(party, party.c.id == contract_party.c.party_id)
            .where(named)
        ))  # fmt: skip
    query = sa.select(
        contract.c.id, contract.c.account_number, contract.c.product, contract.c.status,
        contract.c.vehicle, contract.c.contract_date,
    ).where(sa.or_(*wanted))  # fmt: skip
    found = page(tx, query, keys=[contract.c.id], limit=limit, cursor=cursor, scope=text)
    for row in found["data"]:
        people = parties.of_contract(tx, row["id"])
        names = ("first_name", "last_name", "role")
        row["customers"] = [{name: one[name] for name in names} for one in people]
    return found


def one(tx: sa.Connection, account_id: str) -> dict[str, Any]:
    """A contract with its number, people, terms and open instalments. Raises NotFound."""
    found = accounts.get(tx, account_id)
    state = accounts.derived(tx, found).state
    people = parties.of_contract(tx, found.id)
    return {
        **accounts.account(found, state, None),
        "account_number": found.account_number,
        "vehicle": found.vehicle,
        "state": found.state,
        "contract_date": found.contract_date,
        "closed_through": found.closed_through,
        "next_action_on": found.next_action_on,
        "paid_to": state.paid_to,
        "unsatisfied": unsatisfied(state),
        "terms": dump_terms(found.terms),
        "customers": [{name: person[name] for name in PERSON} for person in people],
    }


def trial_balance(tx: sa.Connection) -> dict[str, Any]:
    """Debits, credits and balance of every account, and whether they balance (I-02)."""
    side = {
        name: sa.func.coalesce(
            sa.func.sum(sa.case((entry.c.side == name, entry.c.amount), else_=0)), 0
        )
        for name in ("debit", "credit")
    }
    query = sa.select(entry.c.account, side["debit"], side["credit"]).group_by(entry.c.account)
    sums = {row[0]: (int(row[1]), int(row[2])) for row in tx.execute(query)}
    rows = [
        {
            "account": code,
            "title": account.title,
            "normal": account.normal,
            "debits": sums.get(code, (0, 0))[0],
            "credits": sums.get(code, (0, 0))[1],
        }
        for code, account in ACCOUNTS.items()
    ]
    for row in rows:
        net = row["debits"] - row["credits"]
        row["balance"] = net if row["normal"] == "debit" else -net
    balanced = sum(row["debits"] for row in rows) == sum(row["credits"] for row in rows)
    return {"as_of": business_day.get(tx).date, "balanced": balanced, "data": rows}


def day_closes(tx: sa.Connection, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """The closes, the newest day first, each with what it still waits for and its anchor."""
    query = sa.select(day_close, anchor.c.sha256, anchor.c.contracts.label("anchored")).outerjoin(
        anchor, anchor.c.date == day_close.c.date
    )
    found = page(tx, query, keys=[day_close.c.date], limit=limit, cursor=cursor, scope="closes")
    return {**found, "data": [_close(tx, row) for row in found["data"]]}


def day_close_of(tx: sa.Connection, day: date) -> dict[str, Any]:
    """The close of one day."""
    query = sa.select(day_close, anchor.c.sha256, anchor.c.contracts.label("anchored")).outerjoin(
        anchor, anchor.c.date == day_close.c.date
    )
    row = tx.execute(query.where(day_close.c.date == day)).mappings().one()
    return _close(tx, dict(row))


def _close(tx: sa.Connection, row: dict[str, Any]) -> dict[str, Any]:
    is_ending = row["step"] == "ending"
    names = ("date", "step", "contracts", "started_at", "closed_at", "override", "sha256")
    return {
        **{name: row[name] for name in names},
        "payments": row["payments_done"],
        "lease": row["lease_done"],
        "waiting_for": missing(tx, row) if is_ending else [],
    }


def history(
    tx: sa.Connection, account_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A contract's transactions. Raises NotFound."""
    return transactions.listed(tx, account_id, limit=limit, cursor=cursor)
