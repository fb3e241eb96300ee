"""Tables of the payments service. Amounts are cents; states are checked by the database too."""

from __future__ import annotations

import sqlalchemy as sa

from carport.payments.domain.states import Settlement, State
from carport.shared.db import CONVENTION, Cents, Day, Json, Text, UtcDateTime, table

metadata = sa.MetaData(naming_convention=CONVENTION)


def _one_of(column: str, values: type[State] | type[Settlement] | tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


# -- what customers own ---------------------------------------------------------------------------

payment_methods = table(
    "payment_method",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("party_id", Text),
    sa.Column("type", Text, nullable=False),
    sa.Column("brand", Text, nullable=False),
    sa.Column("last4", Text, nullable=False),
    sa.Column("account_type", Text),
    sa.Column("holder_name", Text),
    sa.Column("status", Text, nullable=False),
    sa.Column("bank_sealed", Text),  # routing and account number, AES-GCM
    sa.Column("processor_token", Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.CheckConstraint(_one_of("type", ("bank_account", "card")), name="type"),
    sa.CheckConstraint(_one_of("status", ("usable", "blocked", "deleted")), name="status"),
    sa.Index("ix_payment_method_user_id", "user_id", "id"),
)

payments = table(
    "payment",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("user_id", Text),
    sa.Column("party_id", Text),
    sa.Column("method_id", Text, sa.ForeignKey("payment_method.id")),
    sa.Column("method_type", Text, nullable=False),
    sa.Column("brand", Text, nullable=False),
    sa.Column("last4", Text, nullable=False),
    sa.Column("amount", Cents, nullable=False),
    sa.Column("currency", Text, nullable=False),
    sa.Column("extra", Text),
    sa.Column("quote_id", Text),
    sa.Column("effective_on", Day, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("settlement", Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),  # of the last step in its history
    sa.Column("confirmation_number", Text, nullable=False, unique=True),
    sa.Column("authorization_text_version", Text),
    sa.Column("item_key", Text, unique=True),  # a cheque is credited once
    sa.Column("reason_code", Text),
    sa.Column("reason_text", Text),
    sa.Column("accepted_on", Day),
    sa.Column("cancelled_on", Day),
    sa.Column("returned_on", Day),
    sa.Column("submitted_on", Day),
    sa.Column("settled_on", Day),
    sa.Column("cleared_on", Day),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("amount > 0", name="amount"),
    sa.CheckConstraint(_one_of("method_type", ("bank_account", "card", "cheque")), name="type"),
    sa.CheckConstraint(_one_of("state", State), name="state"),
    sa.CheckConstraint(_one_of("settlement", Settlement), name="settlement"),
    sa.Index("ix_payment_account_id", "account_id", "id"),
    sa.Index("ix_payment_state", "state", "effective_on"),
    sa.Index("ix_payment_settlement", "settlement", "id"),
    sa.Index("ix_payment_method_id", "method_id"),
    sa.Index("ix_payment_accepted_on", "accepted_on"),
    sa.Index("ix_payment_cancelled_on", "cancelled_on"),
    sa.Index("ix_payment_returned_on", "returned_on"),
)

payment_steps = table(
    "payment_step",
    metadata,
    sa.Column("payment_id", Text, sa.ForeignKey("payment.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("state", Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    append_only=True,
)

# -- what others tell us --------------------------------------------------------------------------

accounts = table(
    "account",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("number_key", Text, unique=True),  # keyed hash of the account number
    sa.Column("number_last4", Text),
    sa.Column("party_id", Text),  # the primary borrower
    sa.Column("version", Cents, nullable=False),  # 0: boarded, no snapshot yet
    sa.Column("snapshot", Json),
)

receipts = table(
    "receipt",  # what accounts says it posted and reversed; no foreign key: it may tell of others
    metadata,
    sa.Column("payment_id", Text, primary_key=True),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("amount", Cents, nullable=False),
    sa.Column("posted_at", UtcDateTime),
    sa.Column("allocation", Json),
    sa.Column("balance_after", Cents),
    sa.Column("reversed_cause", Text),
    sa.Column("reversed_on", Day),
    sa.Index("ix_receipt_account_id", "account_id"),
)

ledger_anchors = table(
    "ledger_anchor",
    metadata,
    sa.Column("date", Day, primary_key=True),
    sa.Column("contracts", sa.Integer, nullable=False),
    sa.Column("sha256", Text, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    append_only=True,
)

days_done = table(
    "day_done",  # what we announced of each day, to be compared with the payments themselves
    metadata,
    sa.Column("date", Day, primary_key=True),
    sa.Column("events", Json, nullable=False),
    sa.Column("totals", Json, nullable=False),
    append_only=True,
)

# -- calls to the processor, and what the bank sends back ------------------------------------------

processor_calls = table(
    "processor_call",
    metadata,
    sa.Column("key", Text, primary_key=True),  # the provider's idempotency key
    sa.Column("payment_id", Text, sa.ForeignKey("payment.id"), nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("claim_token", Text),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("answer", Text),
    sa.Column("traceparent", Text),
    sa.UniqueConstraint("payment_id", "kind"),
    sa.CheckConstraint(_one_of("kind", ("capture", "void")), name="kind"),
    sa.CheckConstraint(_one_of("state", ("open", "done", "case")), name="state"),
    sa.Index("ix_processor_call_state", "state", "next_at"),
)

bank_returns = table(
    "bank_return",
    metadata,
    sa.Column("payment_id", Text, primary_key=True),  # a second return has no effect
    sa.Column("code", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.CheckConstraint(_one_of("state", ("waiting", "applied", "parked")), name="state"),
)

# -- the sandbox providers' own truth --------------------------------------------------------------

sandbox_charges = table(
    "sandbox_charge",
    metadata,
    sa.Column("key", Text, primary_key=True),
    sa.Column("processor_token", Text, nullable=False),
    sa.Column("amount", Cents, nullable=False),
    sa.Column("currency", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.CheckConstraint(_one_of("state", ("captured", "declined", "voided")), name="state"),
)

sandbox_bank_entries = table(
    "sandbox_bank_entry",
    metadata,
    sa.Column("payment_id", Text, primary_key=True),
    sa.Column("amount", Cents, nullable=False),
    sa.Column("file_date", Day, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("return_code", Text),
    sa.CheckConstraint(_one_of("state", ("received", "settled", "returned")), name="state"),
)
