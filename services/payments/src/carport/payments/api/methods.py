"""Ways to pay: add, list, remove."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import Connection

from carport.payments.api import schemas
from carport.payments.commands import methods
from carport.payments.commands.methods import BankAccount, Owner
from carport.payments.queries import methods as queries
from carport.shared.web import Blueprint, access, current, once, principal

blp = Blueprint("payment_methods", __name__, url_prefix="/v1/payment-methods")


@blp.route("", methods=["POST"])
@access("customer", limit="20/minute", money=True, idempotent=True)
@blp.arguments(schemas.MethodIn)
@blp.returns(201, schemas.MethodOut)
def add_method(body: dict[str, Any]) -> Response:
    """Add a bank account or, by the processor's token, a card."""
    owner = Owner(principal().sub, principal().party)
    now = current().clock()
    given = {name: value for name, value in body.items() if name != "type"}

    def work(tx: Connection) -> dict[str, Any]:
        if body["type"] == "card":
            method = methods.add_card(tx, owner, given["processor_token"], now=now)
        else:
            method = methods.add_bank_account(tx, owner, BankAccount(**given), now=now)
        return queries.shown(method)

    return once(work, status=201, body=body)


@blp.route("", methods=["GET"])
@access("customer")
@blp.returns(200, schemas.MethodPage)
def list_methods() -> dict[str, Any]:
    """Your ways to pay."""
    with current().reading() as tx:
        return queries.listed(tx, principal().sub)


@blp.route("/<method_id>", methods=["DELETE"])
@access("customer", money=True)
@blp.returns(204)
def remove_method(method_id: str) -> None:
    """Remove a way to pay; refused while a payment that is still to be made uses it."""
    with current().transaction() as tx:
        methods.remove(tx, method_id, user_id=principal().sub)
