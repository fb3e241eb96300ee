"""Tables of lease: terms and standing of each lease, payments seen, notices given, the close."""

from __future__ import annotations

import sqlalchemy as sa

from carport.shared import db
from carport.shared.db import Cents, Day, Flag, Json, Text, UtcDateTime, table

metadata = sa.MetaData(naming_convention=db.CONVENTION)

accounts = table(
    "accounts",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("product", Text, nullable=False),
)

leases = table(
    "leases",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("term_months", sa.Integer, nullable=False),
    sa.Column("payment", Cents, nullable=False),
    sa.Column("residual", Cents, nullable=False),
    sa.Column("adjusted_balances", Json, nullable=False),
    sa.Column("tax_rate", Text, nullable=False),
    sa.Column("tax_method", Text, nullable=False),
    sa.Column("annual_allowance", sa.Integer, nullable=False),
    sa.Column("excess_rate", sa.Integer, nullable=False),
    sa.Column("start_odometer", sa.Integer, nullable=False),
    sa.Column("disposition_fee", Cents, nullable=False),
    sa.Column("purchase_option_fee", Cents, nullable=False),
)

snapshots = table(
    "snapshots",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("maturity_date", Day, nullable=False),
    sa.Column("unpaid", Cents, nullable=False),
    sa.Column("adjusted_balance", Cents, nullable=False),
    sa.Column("oldest_unpaid_due", Day),
    sa.Column("payments_remaining", sa.Integer, nullable=False),
    sa.Column("flags", Json, nullable=False),
    sa.Index("ix_snapshots_maturity_date", "maturity_date"),
)

closings = table(
    "closings",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("event_id", Text, nullable=False),
    sa.Column("paid_off_on", Day),
)

payments = table(
    "payments",
    metadata,
    sa.Column("payment_id", Text, primary_key=True),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("amount", Cents, nullable=False),
    sa.Column("effective_on", Day, nullable=False),
    sa.Column("is_reversed", Flag, nullable=False),
    sa.Index("ix_payments_account_id", "account_id", "effective_on"),
)

notices = table(
    "notices",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("maturity_date", Day, primary_key=True),
    sa.Column("notice_days", sa.Integer, primary_key=True),
    sa.Column("given_on", Day, nullable=False),
)

day_ends = table(
    "day_ends",
    metadata,
    sa.Column("date", Day, primary_key=True),
    sa.Column("next_local_time", Text, nullable=False),
    sa.Column("announced_at", UtcDateTime, nullable=False),
)
