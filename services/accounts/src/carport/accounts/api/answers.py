"""What routes answer: plain dictionaries, which these schemas only document."""

from __future__ import annotations

from marshmallow import fields

from carport.shared.web import ChoiceField, IdField, Schema


class Clock(Schema):
    """Where the clock stands."""

    business_date = fields.Date()
    local_time = fields.String()
    moving_to = fields.Date(allow_none=True)


class VehicleOut(Schema):
    """The vehicle, its VIN cut to six characters."""

    year = fields.Integer()
    make = fields.String()
    model = fields.String()
    trim = fields.String()
    vin_last6 = fields.String()


class DueOut(Schema):
    """What is to be paid and when."""

    amount = fields.Integer()
    date = fields.Date()


class GraceOut(Schema):
    """Days after a due date without a late fee, and when the present ones end."""

    days = fields.Integer()
    ends_on = fields.Date(allow_none=True)


class Account(Schema):
    """An account; amounts in cents as of ``as_of``."""

    id = IdField()
    account_number = fields.String(metadata={"description": "The last four characters"})
    product = ChoiceField("retail", "lease")
    status = fields.String()
    vehicle = fields.Nested(VehicleOut)
    currency = fields.String()
    balance = fields.Integer()
    principal = fields.Integer()
    accrued_interest = fields.Integer()
    per_diem = fields.String(allow_none=True, metadata={"description": "Dollars, four decimals"})
    past_due = fields.Integer()
    days_past_due = fields.Integer()
    fees = fields.Integer()
    unapplied = fields.Integer()
    payment = fields.Integer()
    annual_rate = fields.String(allow_none=True)
    next_due = fields.Nested(DueOut, allow_none=True)
    grace = fields.Nested(GraceOut)
    payments_made = fields.Integer()
    payments_remaining = fields.Integer()
    maturity_date = fields.Date()
    payoff = fields.Integer()
    paperless = fields.Boolean()
    autopay = fields.Boolean()
    role = fields.String(allow_none=True)
    as_of = fields.Date()
    version = fields.Integer()


class AccountList(Schema):
    """A page of accounts."""

    data = fields.List(fields.Nested(Account))
    next_cursor = fields.String(allow_none=True)


class Allocation(Schema):
    """Where the cents of a payment went."""

    interest = fields.Integer()
    principal = fields.Integer()
    fees = fields.Integer()
    rental = fields.Integer()
    tax = fields.Integer()
    unapplied = fields.Integer()


class Transaction(Schema):
    """A line of the history; ``amount`` is positive when it lowers what is owed."""

    id = IdField()
    type = fields.String()
    amount = fields.Integer()
    effective_on = fields.Date()
    booked_on = fields.Date()
    allocation = fields.Nested(Allocation, allow_none=True)
    balance_after = fields.Integer()
    description = fields.String()
    payment_id = IdField()
    reverses = IdField()
    reversed_by = IdField()


class TransactionList(Schema):
    """A page of the history."""

    data = fields.List(fields.Nested(Transaction))
    next_cursor = fields.String(allow_none=True)


class ScheduleRow(Schema):
    """One instalment; of a lease ``interest`` is rent, ``principal`` depreciation."""

    number = fields.Integer()
    due_date = fields.Date()
    payment = fields.Integer()
    interest = fields.Integer()
    principal = fields.Integer()
    balance = fields.Integer()
    tax = fields.Integer()
    status = ChoiceField("paid", "due", "past_due", "future")


class Schedule(Schema):
    """As contracted and as it stands."""

    original = fields.List(fields.Nested(ScheduleRow))
    current = fields.List(fields.Nested(ScheduleRow))


class Preview(Schema):
    """What a payment would do."""

    allocation = fields.Nested(Allocation)
    balance_after = fields.Integer()
    interest_saved = fields.Integer()


class Person(Schema):
    """The caller."""

    id = IdField()
    first_name = fields.String()
    last_name = fields.String()
    email = fields.String()
    email_verified = fields.Boolean()
    phone = fields.String(allow_none=True)
    language = fields.String()
    address = fields.Dict()
    accounts = fields.List(IdField())


class Boarded(Schema):
    """The figures of a contract; ``id`` is null for a dry run."""

    id = fields.String(allow_none=True)
    payment = fields.Integer()
    final_payment = fields.Integer()
    apr = fields.String(metadata={"description": "Retail: a decimal fraction, Reg Z Appendix J"})
    total_interest = fields.Integer()
    total_rent = fields.Integer()
    payment_parts = fields.Dict(keys=fields.String(), values=fields.Integer())
    schedule = fields.List(fields.Nested(ScheduleRow))


class Found(Schema):
    """A contract that was searched for."""

    id = IdField()
    account_number = fields.String()
    product = fields.String()
    status = fields.String()
    vehicle = fields.Dict()
    contract_date = fields.Date()
    customers = fields.List(fields.Dict())


class FoundList(Schema):
    """A page of a search."""

    data = fields.List(fields.Nested(Found))
    next_cursor = fields.String(allow_none=True)


class StaffAccount(Account):
    """A contract with its number, people and terms."""

    state = fields.String()
    contract_date = fields.Date()
    closed_through = fields.Date()
    next_action_on = fields.Date(allow_none=True)
    paid_to = fields.Date()
    unsatisfied = fields.List(fields.Dict())
    terms = fields.Dict()
    customers = fields.List(fields.Dict())
    vehicle = fields.Dict()


class TrialBalanceRow(Schema):
    """One account of the books."""

    account = fields.String()
    title = fields.String()
    normal = ChoiceField("debit", "credit")
    debits = fields.Integer()
    credits = fields.Integer()
    balance = fields.Integer()


class TrialBalance(Schema):
    """All accounts of the books."""

    as_of = fields.Date()
    balanced = fields.Boolean()
    data = fields.List(fields.Nested(TrialBalanceRow))


class DayClose(Schema):
    """How the close of a day went."""

    date = fields.Date()
    step = ChoiceField("ending", "closing", "done")
    contracts = fields.Integer()
    started_at = fields.DateTime()
    closed_at = fields.DateTime(allow_none=True)
    override = fields.Dict(allow_none=True)
    sha256 = fields.String(allow_none=True)
    payments = fields.Dict(allow_none=True)
    lease = fields.Dict(allow_none=True)
    waiting_for = fields.List(fields.Dict())


class DayCloseList(Schema):
    """A page of closes."""

    data = fields.List(fields.Nested(DayClose))
    next_cursor = fields.String(allow_none=True)


class LenderAddress(Schema):
    """Where to send what."""

    product = fields.String()
    purpose = fields.String()
    delivery = fields.String()
    lines = fields.List(fields.String())


class Lender(Schema):
    """The lender's public profile."""

    name = fields.String()
    phone = fields.String()
    email = fields.String()
    hours = fields.List(fields.String())
    chat_hours = fields.String()
    time_zone = fields.String()
    cut_off = fields.String()
    currency = fields.String()
    grace_days = fields.Integer()
    late_fee = fields.String()
    cards = fields.Dict()
    languages = fields.List(fields.String())
    colours = fields.Dict()
    addresses = fields.List(fields.Nested(LenderAddress))
