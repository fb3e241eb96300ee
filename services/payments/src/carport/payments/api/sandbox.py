"""The sandbox's bank and lockbox: what the outside world would do, on request."""

from __future__ import annotations

from typing import Any

from carport.payments.api import schemas
from carport.payments.commands import bank, lockbox
from carport.payments.commands.lockbox import Cheque
from carport.payments.queries import payments as queries
from carport.payments.queries.payments import Reader
from carport.payments.repo import payments
from carport.shared.web import Blueprint, access, current

SETTLED_MAX = 1000

blp = Blueprint("sandbox", __name__, url_prefix="/v1/sandbox")


@blp.route("/bank/returns", methods=["POST"])
@access("sandbox")
@blp.arguments(schemas.ReturnIn)
@blp.returns(202, schemas.ReturnOut)
def return_entry(body: dict[str, Any]) -> dict[str, Any]:
    """Have a bank payment or cheque returned with a code like R01."""
    with current().transaction() as tx:
        now = current().clock()
        return {"status": bank.receive_return(tx, body["payment_id"], body["code"], now=now)}


@blp.route("/bank/settlements", methods=["POST"])
@access("sandbox")
@blp.arguments(schemas.SettlementIn)
@blp.returns(202, schemas.SettlementOut)
def settle_entries(body: dict[str, Any]) -> dict[str, Any]:
    """Have the money of payments moved now instead of on the next banking day."""
    with current().transaction() as tx:
        ids = body.get("payment_ids")
        if ids is None:
            ids = payments.unsettled(tx, limit=SETTLED_MAX)
        return {"settled": bank.settle_now(tx, ids, now=current().clock())}


@blp.route("/lockbox", methods=["POST"])
@access("sandbox", money=True)
@blp.arguments(schemas.ChequeIn)
@blp.returns(202, schemas.PaymentOut)
def receive_cheque(body: dict[str, Any]) -> dict[str, Any]:
    """Have a cheque arrive by mail; it counts on the day it was received."""
    now = current().clock()
    with current().transaction() as tx:
        payment = lockbox.receive(tx, Cheque(**body), now=now)
        return queries.shown(tx, Reader(None, ()), [payment], now=now)[0]
