"""What staff ask accounts: board, find and read contracts, see that the books balance."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, jsonify

from carport.accounts.api import answers, schemas
from carport.accounts.api.boarding import Boarding, complete
from carport.accounts.commands import board as boarding
from carport.accounts.commands import day
from carport.accounts.queries import staff
from carport.shared.errors import NotFound
from carport.shared.kernel.days import parse_day
from carport.shared.pagination import PageArgs
from carport.shared.web import Blueprint, access, current, once, principal

blp = Blueprint("staff", __name__, description="Contracts and books, for staff")


@blp.route("/v1/staff/accounts", methods=["POST"])
@access("staff", idempotent=True)
@blp.arguments(schemas.DryRun, location="query")
@blp.arguments(Boarding)
@blp.returns(201, answers.Boarded)
@blp.returns(200, answers.Boarded)
def board(query: dict[str, Any], document: dict[str, Any]) -> Response:
    """Board a contract. With ``dry_run=true`` only its terms are needed, the business date does
    not matter and nothing is kept (200)."""
    if query["dry_run"]:
        answer = jsonify(boarding.calculate(document))
        answer.status_code = 200
        return answer
    complete(document)
    now = current().clock()
    return once(lambda tx: boarding.board(tx, document, now=now), status=201, body=document)


@blp.route("/v1/staff/accounts", methods=["GET"])
@access("staff")
@blp.arguments(schemas.Search, location="query")
@blp.returns(200, answers.FoundList)
def search_accounts(args: dict[str, Any]) -> dict[str, Any]:
    """Contracts by the beginning of an account number, VIN or last name, newest first."""
    with current().reading() as tx:
        return staff.search(tx, args["q"], limit=args["limit"], cursor=args["cursor"])


@blp.route("/v1/staff/accounts/<account_id>", methods=["GET"])
@access("staff")
@blp.returns(200, answers.StaffAccount)
def read_account(account_id: str) -> dict[str, Any]:
    """Everything about a contract but its history."""
    with current().reading() as tx:
        return staff.one(tx, account_id)


@blp.route("/v1/staff/accounts/<account_id>/transactions", methods=["GET"])
@access("staff")
@blp.arguments(PageArgs, location="query")
@blp.returns(200, answers.TransactionList)
def list_transactions(args: dict[str, Any], account_id: str) -> dict[str, Any]:
    """History of a contract as its customers see it."""
    with current().reading() as tx:
        return staff.history(tx, account_id, **args)


@blp.route("/v1/staff/trial-balance", methods=["GET"])
@access("staff")
@blp.returns(200, answers.TrialBalance)
def read_trial_balance() -> dict[str, Any]:
    """Debits, credits and balance of every account of the books."""
    with current().reading() as tx:
        return staff.trial_balance(tx)


@blp.route("/v1/staff/day-closes", methods=["GET"])
@access("staff")
@blp.arguments(PageArgs, location="query")
@blp.returns(200, answers.DayCloseList)
def list_day_closes(args: dict[str, Any]) -> dict[str, Any]:
    """How the closes of days went, and what one that is held waits for."""
    with current().reading() as tx:
        return staff.day_closes(tx, **args)


@blp.route("/v1/staff/day-closes/<date>/override", methods=["POST"])
@access(("supervisor", "operator"))
@blp.arguments(schemas.Override)
@blp.returns(200, answers.DayClose)
def override_day_close(asked: dict[str, Any], date: str) -> dict[str, Any]:
    """Let a held close go on without events that will not come; who and why is kept."""
    closing = day_named(date)
    runtime = current()
    with runtime.transaction() as tx:
        day.override(tx, closing, reason=asked["reason"], by=principal().sub, now=runtime.clock())
        return staff.day_close_of(tx, closing)


def day_named(text: str) -> date:
    """The day in a path. Raises NotFound for what is no day."""
    try:
        return parse_day(text)
    except ValueError:
        raise NotFound from None
