"""The tables of accounts. Journals and entries are append-only by trigger (see the migration).

Contracts hold terms as agreed; items are the facts that happened to them, each with the id its
owner gave it; journals say what those facts mean in money, and balances sum them up.
"""

from __future__ import annotations

import sqlalchemy as sa

from carport.shared.db import CONVENTION, Cents, Day, Flag, Json, Text, UtcDateTime, table

metadata = sa.MetaData(naming_convention=CONVENTION)

STATUSES = ("active", "paid_off", "returned", "closed", "charged_off")
ITEM_KINDS = ("payment", "refund", "fee", "waiver", "write_off", "extension", "return")
ROLES = ("primary", "co_borrower")
STEPS = ("ending", "closing", "done")


def one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    """A CHECK that *column* holds one of *values*."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


contract = table(
    "contract",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("account_number", Text, nullable=False, unique=True),
    sa.Column("product", Text, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("currency", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("terms", Text, nullable=False),
    sa.Column("vehicle", Json, nullable=False),
    sa.Column("vin", Text, nullable=False, index=True),
    sa.Column("contract_date", Day, nullable=False),
    sa.Column("maturity_date", Day, nullable=False),
    sa.Column("closed_through", Day, nullable=False),
    sa.Column("next_action_on", Day),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("boarded_at", UtcDateTime, nullable=False),
    one_of("product", ("retail", "lease")),
    one_of("status", STATUSES),
    sa.CheckConstraint("version >= 0", name="version"),
    sa.Index("ix_contract_close", "closed_through", "next_action_on"),
)

party = table(
    "party",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("customer_number", Text, unique=True),
    sa.Column("merge_key", Text, nullable=False, index=True),
    sa.Column("first_name", Text, nullable=False),
    sa.Column("last_name", Text, nullable=False),
    sa.Column("last_name_key", Text, nullable=False, index=True),
    sa.Column("birth_date", Day, nullable=False),
    sa.Column("ssn_last4", Text, nullable=False),
    sa.Column("email", Text, nullable=False),
    sa.Column("email_verified_at", UtcDateTime),
    sa.Column("phone", Text),
    sa.Column("language", Text, nullable=False),
    sa.Column("address", Json, nullable=False),
    sa.Column("user_id", Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
)
"""``ssn_last4`` is encrypted at rest; ``merge_key`` finds the same person again without it."""

contract_party = table(
    "contract_party",
    metadata,
    sa.Column("contract_id", Text, sa.ForeignKey("contract.id"), primary_key=True),
    sa.Column("party_id", Text, sa.ForeignKey("party.id"), primary_key=True),
    sa.Column("role", Text, nullable=False),
    sa.Column("linked_at", UtcDateTime),
    one_of("role", ROLES),
    sa.Index("ix_contract_party_party_id", "party_id"),
)

item = table(
    "item",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("contract_id", Text, sa.ForeignKey("contract.id"), nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("effective_on", Day, nullable=False),
    sa.Column("amount", Cents),
    sa.Column("data", Json, nullable=False),
    sa.Column("source_event_id", Text),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Column("reversed_at", UtcDateTime),
    sa.Column("reversal", Json),
    one_of("kind", ITEM_KINDS),
    sa.CheckConstraint("amount > 0", name="amount"),
    sa.Index("ix_item_contract_id", "contract_id", "effective_on"),
)

journal = table(
    "journal",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("chain", Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("contract_id", Text, sa.ForeignKey("contract.id")),
    sa.Column("kind", Text, nullable=False),
    sa.Column("reference", Text, nullable=False, unique=True),
    sa.Column("effective_on", Day, nullable=False),
    sa.Column("booked_on", Day, nullable=False),
    sa.Column("posted_at", UtcDateTime, nullable=False),
    sa.Column("currency", Text, nullable=False),
    sa.Column("amount", Cents),
    sa.Column("balance_after", Cents),
    sa.Column("reverses_id", Text, sa.ForeignKey("journal.id"), unique=True),
    sa.Column("source_event_id", Text),
    sa.Column("prev_hash", Text, nullable=False),
    sa.Column("hash", Text, nullable=False),
    sa.UniqueConstraint("chain", "seq"),
    sa.CheckConstraint("(amount IS NULL) = (balance_after IS NULL)", name="shown"),
    sa.CheckConstraint("effective_on <= booked_on", name="not_ahead"),
    sa.Index("ix_journal_contract_id", "contract_id", "seq"),
    sa.Index("ix_journal_booked_on", "booked_on"),
    append_only=True,
)
"""``amount`` (positive lowers what is owed) and ``balance_after`` are what a customer is shown;
both are empty for inner journals: allocations, accruals and reversals of those."""

entry = table(
    "entry",
    metadata,
    sa.Column("journal_id", Text, sa.ForeignKey("journal.id"), primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("account", Text, nullable=False),
    sa.Column("side", Text, nullable=False),
    sa.Column("amount", Cents, nullable=False),
    one_of("side", ("debit", "credit")),
    sa.CheckConstraint("amount > 0", name="amount"),
    append_only=True,
)

balance = table(
    "balance",
    metadata,
    sa.Column("contract_id", Text, sa.ForeignKey("contract.id"), primary_key=True),
    sa.Column("account", Text, primary_key=True),
    sa.Column("debits", Cents, nullable=False),
    sa.Column("credits", Cents, nullable=False),
    sa.CheckConstraint("debits >= 0 AND credits >= 0", name="not_negative"),
)
"""Two columns that only grow. Accounts all contracts share have no row: it would be fought over."""

chain = table(
    "chain",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("length", sa.Integer, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("booked_on", Day, nullable=False),
)
"""The end of each contract's hash chain; ``booked_on`` is that of its newest journal."""

derived = table(
    "derived",
    metadata,
    sa.Column("journal_id", Text, sa.ForeignKey("journal.id"), primary_key=True),
    sa.Column("contract_id", Text, sa.ForeignKey("contract.id"), nullable=False, index=True),
    sa.Column("key", Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("is_reversed", Flag, nullable=False),
    sa.UniqueConstraint("key", "revision"),
    sa.CheckConstraint("revision > 0", name="revision"),
    sa.Index(
        "ux_derived_live",
        "key",
        unique=True,
        sqlite_where=sa.text("is_reversed = 0"),
        postgresql_where=sa.text("NOT is_reversed"),
    ),
)
"""Journals a replay books and takes back: of one key at most one is not reversed."""

day_close = table(
    "day_close",
    metadata,
    sa.Column("date", Day, primary_key=True),
    sa.Column("step", Text, nullable=False),
    sa.Column("next_local_time", Text, nullable=False),
    sa.Column("payments_done", Json),
    sa.Column("lease_done", Json),
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("contracts", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("override", Json),
    one_of("step", STEPS),
)
"""One row for each day whose end was announced; a killed process goes on from ``step``."""

clock_target = table(
    "clock_target",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("date", Day, nullable=False),
    sa.Column("local_time", Text, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)

anchor = table(
    "anchor",
    metadata,
    sa.Column("date", Day, primary_key=True),
    sa.Column("contracts", sa.Integer, nullable=False),
    sa.Column("sha256", Text, nullable=False),
    append_only=True,
)

work_item = table(
    "work_item",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("kind", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("detail", Json, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("resolved_at", UtcDateTime),
    sa.UniqueConstraint("kind", "subject"),
)
"""Something a person has to look at, once per kind and subject."""
