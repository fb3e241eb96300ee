"""The history a customer is shown: one line for each thing that changed what is owed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from carport.accounts.commands.payments import shown_allocation
from carport.accounts.domain.replay import allocation_of
from carport.accounts.domain.terms import due_date
from carport.accounts.queries.accounts import derived, get
from carport.accounts.repo import items
from carport.accounts.repo.contracts import Contract
from carport.accounts.tables import journal
from carport.shared.errors import NotFound
from carport.shared.pagination import page

REVERSALS = {"payment": "payment_reversal", "late_fee": "late_fee_removed"}
TITLES = {
    "boarding": "Contract opened",
    "fee": "Fee",
    "waiver": "Fee waived",
    "refund": "Refund of a credit balance",
    "write_off": "Balance charged off",
    "quote_variance": "Difference to a payoff quote, waived",
    "return": "Vehicle returned",
}
METHODS = {"bank_account": "bank account", "card": "card", "cheque": "cheque"}


def listed(tx: sa.Connection, account_id: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """``{data, next_cursor}``, newest first. Raises NotFound."""
    contract = get(tx, account_id)
    found = page(
        tx, lines(account_id), keys=[journal.c.seq], limit=limit, cursor=cursor, scope=account_id
    )
    return {**found, "data": told(tx, contract, found["data"])}


def one(tx: sa.Connection, account_id: str, transaction_id: str) -> dict[str, Any]:
    """One line. Raises NotFound."""
    contract = get(tx, account_id)
    query = lines(account_id).where(journal.c.id == transaction_id)
    found = tx.execute(query).mappings().first()
    if found is None:
        raise NotFound
    return told(tx, contract, [dict(found)])[0]


def lines(account_id: str) -> sa.Select[Any]:
    """Journals that changed what is owed, with the one that took each back."""
    undone = journal.alias("undone")
    shown = (
        journal.c.id, journal.c.seq, journal.c.reference, journal.c.amount,
        journal.c.effective_on, journal.c.booked_on, journal.c.balance_after, journal.c.reverses_id,
    )  # fmt: skip
    return (
        sa.select(*shown, undone.c.id.label("reversed_by"))
        .outerjoin(undone, undone.c.reverses_id == journal.c.id)
        .where(journal.c.contract_id == account_id, journal.c.amount.is_not(None))
    )


def told(tx: sa.Connection, contract: Contract, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*rows* in the words of the API; a payment that stands with its live allocation."""
    payments = {name for row in rows if (name := payment_of(row["reference"]))}
    facts = {row["id"]: row for row in items.of_contract(tx, contract.id) if row["id"] in payments}
    standing = [name for name, row in facts.items() if row["reversed_at"] is None]
    derivation = derived(tx, contract) if standing else None
    shown = []
    for row in rows:
        reference = row["reference"]
        kind = reference.removeprefix("reversal:").split(":", 1)[0]
        is_reversal = reference.startswith("reversal:")
        payment_id = payment_of(reference)
        allocation = None
        if derivation and payment_id in standing and not is_reversal:
            allocation = shown_allocation(allocation_of(derivation, payment_id))
        line = {
            "id": row["id"],
            "type": REVERSALS.get(kind, f"{kind}_reversal") if is_reversal else kind,
            "amount": row["amount"],
            "effective_on": row["effective_on"],
            "booked_on": row["booked_on"],
            "allocation": allocation,
            "balance_after": row["balance_after"],
            "description": description(contract, reference, facts.get(payment_id or "")),
        }
        more = {"payment_id": payment_id, "reverses": row["reverses_id"],
                "reversed_by": row["reversed_by"]}  # fmt: skip
        shown.append(line | {name: value for name, value in more.items() if value})
    return shown


def payment_of(reference: str) -> str | None:
    """The payment a receipt, or the reversal of one, is of."""
    kind, _, name = reference.removeprefix("reversal:").partition(":")
    return name if kind == "payment" else None


def description(contract: Contract, reference: str, fact: dict[str, Any] | None) -> str:
    """A line in words."""
    is_reversal = reference.startswith("reversal:")
    kind, *rest = reference.removeprefix("reversal:").split(":")
    if kind == "payment" and fact:
        return reversed_payment(fact) if is_reversal else paid(fact)
    if kind in ("late_fee", "rental"):
        due = due_date(contract.terms, int(rest[1]))
        title = "Late fee" if kind == "late_fee" else "Rental"
        return f"{title} for the instalment due {due}" + (", taken back" if is_reversal else "")
    return TITLES.get(kind, kind) + (", taken back" if is_reversal else "")


def paid(fact: dict[str, Any]) -> str:
    """``Payment by bank account ending 6789``."""
    method = fact["data"].get("note", {}).get("method") or {}
    by = METHODS.get(method.get("type", ""))
    if not by:
        return "Payment"
    ending = f" ending {method['last4']}" if method.get("last4") else ""
    return f"Payment by {by}{ending}"


def reversed_payment(fact: dict[str, Any]) -> str:
    """Why a payment was taken out."""
    reversal = fact["reversal"] or {}
    if reversal.get("cause") == "returned":
        return f"Payment returned by the bank ({reversal['code']})"
    return "Payment cancelled"
