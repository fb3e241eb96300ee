"""What a customer's app asks accounts: everything here is the caller's own."""

from __future__ import annotations

from typing import Any

from carport.accounts.api import answers, schemas
from carport.accounts.queries import accounts, people, transactions
from carport.shared.kernel.ids import new_id
from carport.shared.pagination import PageArgs
from carport.shared.web import Blueprint, access, current, principal

blp = Blueprint("accounts", __name__, description="Accounts of the caller")


@blp.route("/v1/accounts", methods=["GET"])
@access("customer")
@blp.returns(200, answers.AccountList)
def list_accounts() -> dict[str, Any]:
    """All accounts of the caller, the oldest first."""
    me = principal()
    with current().reading() as tx:
        return accounts.listed(tx, me.accounts, me.party)


@blp.route("/v1/accounts/<account_id>", methods=["GET"])
@access("customer", owns="account_id")
@blp.returns(200, answers.Account)
def read_account(account_id: str) -> dict[str, Any]:
    """One account, as of the business date."""
    with current().reading() as tx:
        return accounts.one(tx, account_id, principal().party)


@blp.route("/v1/accounts/<account_id>/transactions", methods=["GET"])
@access("customer", owns="account_id")
@blp.arguments(PageArgs, location="query")
@blp.returns(200, answers.TransactionList)
def list_transactions(args: dict[str, Any], account_id: str) -> dict[str, Any]:
    """History, newest first: a payment with its live allocation is one line."""
    with current().reading() as tx:
        return transactions.listed(tx, account_id, **args)


@blp.route("/v1/accounts/<account_id>/transactions/<transaction_id>", methods=["GET"])
@access("customer", owns="account_id")
@blp.returns(200, answers.Transaction)
def read_transaction(account_id: str, transaction_id: str) -> dict[str, Any]:
    """One line of the history."""
    with current().reading() as tx:
        return transactions.one(tx, account_id, transaction_id)


@blp.route("/v1/accounts/<account_id>/schedule", methods=["GET"])
@access("customer", owns="account_id")
@blp.returns(200, answers.Schedule)
def read_schedule(account_id: str) -> dict[str, Any]:
    """The schedule as contracted and as it stands."""
    with current().reading() as tx:
        return accounts.schedule(tx, account_id)


@blp.route("/v1/accounts/<account_id>/allocation-previews", methods=["POST"])
@access("customer", owns="account_id", limit="60/minute")
@blp.arguments(schemas.PreviewIn)
@blp.returns(200, answers.Preview)
def preview_allocation(asked: dict[str, Any], account_id: str) -> dict[str, Any]:
    """Where a payment would go and what interest it would save. Nothing is kept."""
    with current().reading() as tx:
        payment_id = new_id(current().clock())
        return accounts.preview(tx, account_id, **asked, payment_id=payment_id)


@blp.route("/v1/customers/me", methods=["GET"])
@access("customer")
@blp.returns(200, answers.Person)
def read_me() -> dict[str, Any]:
    """Name, address, phone and language of the caller."""
    with current().reading() as tx:
        return people.me(tx, principal().party)
