"""Shapes of requests and answers. No member of any request may hold a card number."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, pre_load, validates_schema

from carport.payments.domain import card_data
from carport.payments.domain.states import State
from carport.shared import web
from carport.shared.pagination import PageArgs
from carport.shared.schemas import wrong

OWN_NUMBERS = frozenset({"account_number", "routing_number", "cheque_number"})
"""Members that are numbers of another kind; one in ten passes a card's check digit by chance."""


class CardFree(web.Schema):
    """Refuses card numbers in any member, also in one that does not exist; they are not logged."""

    @pre_load
    def refuse_card_numbers(self, data: Any, **_: Any) -> Any:
        """Raises ValidationError ``card_data_forbidden`` with a pointer, without the value."""
        for pointer, text in card_data.strings(data):
            name = pointer.removeprefix("/")
            is_own = name in OWN_NUMBERS
            if (card_data.is_card_number if is_own else card_data.has_card_number)(text):
                message = wrong(
                    "card_data_forbidden",
                    "This looks like a card number. Set cards up with the card processor and send"
                    " its token; nothing was stored and no money moved.",
                )
                raise ValidationError({name or "_schema": message.messages})
        return data


class MethodIn(CardFree):
    """A bank account or a card, by its `type`."""

    type = web.ChoiceField("bank_account", "card", required=True)
    routing_number = web.TextField(max=64, load_only=True)
    account_number = web.TextField(max=64, load_only=True)
    account_type = web.ChoiceField("checking", "savings")
    holder_name = web.TextField(max=100)
    processor_token = web.TextField(max=200)

    BELONGS = {  # noqa: RUF012
        "bank_account": {"routing_number", "account_number", "account_type", "holder_name"},
        "card": {"processor_token"},
    }

    @validates_schema
    def check_members(self, data: dict[str, Any], **_: Any) -> None:
        """Every member of the type, and none of the other."""
        belongs = self.BELONGS[data["type"]]
        for name in sorted(belongs - set(data)):
            raise ValidationError({name: wrong("required", "This member is required.").messages})
        for name in sorted(set(data) - belongs - {"type"}):
            text = f"This member does not belong to a {data['type']}."
            raise ValidationError({name: wrong("unknown_field", text).messages})


class MethodOut(web.Schema):
    """Only the last four digits of a number are ever shown."""

    id = web.IdField(required=True)
    type = web.ChoiceField("bank_account", "card", required=True)
    brand = web.TextField(required=True)
    last4 = web.TextField(required=True)
    account_type = web.ChoiceField("checking", "savings", required=True, allow_none=True)
    holder_name = web.TextField(required=True, allow_none=True)
    status = web.ChoiceField("usable", "blocked", required=True)
    created_at = fields.DateTime(required=True)


class MethodPage(web.Schema):
    """Ways to pay."""

    data = fields.List(fields.Nested(MethodOut), required=True)
    next_cursor = web.TextField(required=True, allow_none=True)


class PaymentIn(CardFree):
    """An order to pay. `amount` in cents; without `date` as soon as possible."""

    account_id = web.IdField(required=True)
    payment_method_id = web.IdField(required=True)
    amount = web.MoneyField(required=True)
    currency = web.TextField(max=10, required=True)
    date = web.DayField()
    extra = web.ChoiceField("next_due", "principal")
    quote_id = web.IdField()
    authorization_text_version = web.TextField(max=50)


class PaymentMethodOut(web.Schema):
    """What a payment is made with; a cheque has no id."""

    id = web.IdField(required=True, allow_none=True)
    type = web.ChoiceField("bank_account", "card", "cheque", required=True)
    brand = web.TextField(required=True)
    last4 = web.TextField(required=True)


class Reason(web.Schema):
    """Why a payment failed or came back."""

    code = web.TextField(required=True)
    text = web.TextField(required=True)


class Step(web.Schema):
    """A state and when it was reached."""

    state = web.ChoiceField(*State, required=True)
    at = fields.DateTime(required=True)


class PaymentOut(web.Schema):
    """A payment: where it stands, where the money is, until when it can be cancelled."""

    id = web.IdField(required=True)
    account_id = web.IdField(required=True)
    state = web.ChoiceField(*State, required=True)
    settlement = web.ChoiceField("none", "submitted", "settled", "cleared", required=True)
    amount = web.MoneyField(required=True)
    currency = web.TextField(required=True)
    payment_method = fields.Nested(PaymentMethodOut, required=True)
    extra = web.ChoiceField("next_due", "principal", required=True, allow_none=True)
    effective_date = web.DayField(required=True)
    confirmation_number = web.TextField(required=True)
    created_at = fields.DateTime(required=True)
    reason = fields.Nested(Reason, required=True, allow_none=True)
    money_moved = web.ChoiceField("no", "yes", "unknown", required=True)
    allocation = fields.Dict(required=True, allow_none=True)
    balance_after = web.IntField(required=True, allow_none=True)
    cancellable = web.FlagField(required=True)
    cancel_before = fields.DateTime(required=True, allow_none=True)
    history = fields.List(fields.Nested(Step), required=True)


class PaymentPage(web.Schema):
    """Payments, newest first."""

    data = fields.List(fields.Nested(PaymentOut), required=True)
    next_cursor = web.TextField(required=True, allow_none=True)


class PaymentQuery(PageArgs):
    """Of one account only."""

    account_id = web.IdField(load_default=None)


class ReturnIn(CardFree):
    """A bank entry comes back."""

    payment_id = web.IdField(required=True)
    code = web.TextField(max=3, required=True)


class ReturnOut(web.Schema):
    """`waiting`: applied as soon as the payment is posted; `parked`: without effect."""

    status = web.ChoiceField("applied", "waiting", "parked", required=True)


class SettlementIn(CardFree):
    """Which payments settle now; without `payment_ids` all that have not."""

    payment_ids = web.ListField(web.IdField(), max=100)


class SettlementOut(web.Schema):
    """How many did."""

    settled = web.IntField(required=True)


class ChequeIn(CardFree):
    """A cheque by mail, for an account by its number or its id."""

    account_number = web.TextField(max=64)
    account_id = web.IdField()
    amount = web.MoneyField(required=True)
    cheque_number = web.TextField(max=20, pattern="[0-9]+", required=True)
    received_on = web.DayField()

    @validates_schema
    def check_account(self, data: dict[str, Any], **_: Any) -> None:
        """One way to name the account."""
        if ("account_number" in data) == ("account_id" in data):
            text = "Give account_number or account_id, one of them."
            raise ValidationError({"account_number": wrong("required", text).messages})
