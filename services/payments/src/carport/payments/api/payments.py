"""Payments: order, look up, cancel. An order is answered 202: what comes of it is told later."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import Connection

from carport.payments.api import schemas
from carport.payments.commands import orders
from carport.payments.commands.orders import Customer, Order
from carport.payments.queries import payments as queries
from carport.payments.queries.payments import Reader
from carport.shared.web import Blueprint, access, current, once, principal

blp = Blueprint("payments", __name__, url_prefix="/v1/payments")


@blp.route("", methods=["POST"])
@access("customer", limit="300/minute", money=True, idempotent=True)
@blp.arguments(schemas.PaymentIn)
@blp.returns(202, schemas.PaymentOut)
def order_payment(body: dict[str, Any]) -> Response:
    """Order a payment, today or for a date up to 90 days ahead."""
    customer, order, now = _customer(), Order(**body), current().clock()

    def work(tx: Connection) -> dict[str, Any]:
        payment = orders.order(tx, customer, order, now=now)
        return queries.shown(tx, _reader(), [payment], now=now)[0]

    return once(work, status=202, body=body)


@blp.route("", methods=["GET"])
@access("customer")
@blp.arguments(schemas.PaymentQuery, location="query")
@blp.returns(200, schemas.PaymentPage)
def list_payments(query: dict[str, Any]) -> dict[str, Any]:
    """Payments of your accounts, newest first."""
    account_id, now = query.pop("account_id"), current().clock()
    with current().reading() as tx:
        return queries.listed(tx, _reader(), account_id=account_id, page=query, now=now)


@blp.route("/<payment_id>", methods=["GET"])
@access("customer")
@blp.returns(200, schemas.PaymentOut)
def read_payment(payment_id: str) -> dict[str, Any]:
    """One payment with its history."""
    with current().reading() as tx:
        return queries.one(tx, _reader(), payment_id, now=current().clock())


@blp.route("/<payment_id>/cancellation", methods=["POST"])
@access("customer", limit="60/minute", money=True)
@blp.returns(200, schemas.PaymentOut)
def cancel_payment(payment_id: str) -> dict[str, Any]:
    """Take a payment back, up to the cut-off of its bank file; again is the same."""
    now = current().clock()
    with current().transaction() as tx:
        payment = orders.cancel(tx, _customer(), payment_id, now=now)
        return queries.shown(tx, _reader(), [payment], now=now)[0]


def _customer() -> Customer:
    return Customer(principal().sub, principal().party, principal().accounts)


def _reader() -> Reader:
    return Reader(principal().sub, principal().accounts)
