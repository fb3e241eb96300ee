"""HTTP: what a customer sees of the end of a lease."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from carport.lease import queries
from carport.shared.web import (
    Blueprint,
    ChoiceField,
    DayField,
    FlagField,
    IdField,
    IntField,
    MoneyField,
    Schema,
    access,
    current,
)


class Milestone(Schema):
    days_before = IntField()
    date = DayField()
    title = fields.String()
    reached = FlagField()


class LastPayment(Schema):
    amount = MoneyField()
    effective_on = DayField()


class Mileage(Schema):
    annual_allowance = IntField(metadata={"description": "Miles a year."})
    term_allowance = IntField(metadata={"description": "Miles over the whole term."})
    excess_rate = IntField(metadata={"description": "Cents for each mile more."})
    start = IntField(metadata={"description": "Odometer at the start."})


class Fees(Schema):
    disposition = MoneyField(min=0, metadata={"description": "On return only."})
    purchase_option = MoneyField(min=0)


class Reason(Schema):
    code = fields.String()
    text = fields.String(metadata={"description": "A sentence for the customer."})


class Option(Schema):
    type = ChoiceField("extend", "buyout", "turn_in")
    title = fields.String()
    open = FlagField()
    opens_on = DayField(allow_none=True)
    reasons = fields.List(fields.Nested(Reason))


class BuyoutParts(Schema):
    price = MoneyField(min=0)
    purchase_option_fee = MoneyField(min=0)
    unpaid = IntField(metadata={"description": "Negative for a credit."})
    tax = MoneyField(min=0)


class Buyout(Schema):
    amount = MoneyField()
    as_of = DayField()
    basis = ChoiceField("adjusted_balance", "residual")
    parts = fields.Nested(BuyoutParts)


class Lease(Schema):
    account_id = IdField()
    maturity_date = DayField()
    days_to_maturity = IntField(metadata={"description": "Negative after the end."})
    milestones = fields.List(fields.Nested(Milestone))
    payments_left = IntField(min=0)
    payment = MoneyField()
    last_payment = fields.Nested(LastPayment, allow_none=True)
    mileage = fields.Nested(Mileage)
    fees = fields.Nested(Fees)
    options = fields.List(fields.Nested(Option))
    buyout = fields.Nested(
        Buyout, allow_none=True, metadata={"description": "null when the lease is paid off."}
    )
    as_of = DayField()


def blueprint() -> Blueprint:
    """Every route of the service."""
    blp = Blueprint("leases", __name__, description="The end of a lease")

    @blp.route("/v1/leases/<account_id>")
    @access("customer", owns="account_id")
    @blp.returns(200, Lease)
    def show_lease(account_id: str) -> dict[str, Any]:
        """Milestones, options open and why others are not, and what buying costs today."""
        with current().reading() as tx:
            return queries.lease_view(tx, account_id)

    return blp
