"""Create the tables of payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from carport.shared import db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=True),
        sa.Column("number_last4", sa.Text(), nullable=True),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("snapshot", db.Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("number_key", name=op.f("uq_account_number_key")),
        sqlite_strict=True,
    )
    op.create_table(
        "bank_return",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'applied', 'parked')", name=op.f("ck_bank_return_state")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_bank_return")),
        sqlite_strict=True,
    )
    op.create_table(
        "day_done",
        sa.Column("date", db.Day(), nullable=False),
        sa.Column("events", db.Json(), nullable=False),
        sa.Column("totals", db.Json(), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_day_done")),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_anchor",
        sa.Column("date", db.Day(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("received_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_ledger_anchor")),
        sqlite_strict=True,
    )
    op.create_table(
        "payment_method",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("account_type", sa.Text(), nullable=True),
        sa.Column("holder_name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("bank_sealed", sa.Text(), nullable=True),
        sa.Column("processor_token", sa.Text(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('usable', 'blocked', 'deleted')", name=op.f("ck_payment_method_status")
        ),
        sa.CheckConstraint("type IN ('bank_account', 'card')", name=op.f("ck_payment_method_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_method")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.create_index("ix_payment_method_user_id", ["user_id", "id"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("posted_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("allocation", db.Json(), nullable=True),
        sa.Column(
            "balance_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("reversed_cause", sa.Text(), nullable=True),
        sa.Column("reversed_on", db.Day(), nullable=True),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_receipt")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index("ix_receipt_account_id", ["account_id"], unique=False)

    op.create_table(
        "sandbox_bank_entry",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_date", db.Day(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("return_code", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('received', 'settled', 'returned')", name=op.f("ck_sandbox_bank_entry_state")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_sandbox_bank_entry")),
        sqlite_strict=True,
    )
    op.create_table(
        "sandbox_charge",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("processor_token", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('captured', 'declined', 'voided')", name=op.f("ck_sandbox_charge_state")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sandbox_charge")),
        sqlite_strict=True,
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("method_id", sa.Text(), nullable=True),
        sa.Column("method_type", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=True),
        sa.Column("quote_id", sa.Text(), nullable=True),
        sa.Column("effective_on", db.Day(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settlement", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("confirmation_number", sa.Text(), nullable=False),
        sa.Column("authorization_text_version", sa.Text(), nullable=True),
        sa.Column("item_key", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_text", sa.Text(), nullable=True),
        sa.Column("accepted_on", db.Day(), nullable=True),
        sa.Column("cancelled_on", db.Day(), nullable=True),
        sa.Column("returned_on", db.Day(), nullable=True),
        sa.Column("submitted_on", db.Day(), nullable=True),
        sa.Column("settled_on", db.Day(), nullable=True),
        sa.Column("cleared_on", db.Day(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "method_type IN ('bank_account', 'card', 'cheque')", name=op.f("ck_payment_type")
        ),
        sa.CheckConstraint(
            "settlement IN ('none', 'submitted', 'settled', 'cleared')",
            name=op.f("ck_payment_settlement"),
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'processing', 'unknown', 'accepted', 'posted', 'failed', "
            "'cancelled', 'returned', 'disputed', 'refunded')",
            name=op.f("ck_payment_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_amount")),
        sa.ForeignKeyConstraint(
            ["method_id"], ["payment_method.id"], name=op.f("fk_payment_method_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("confirmation_number", name=op.f("uq_payment_confirmation_number")),
        sa.UniqueConstraint("item_key", name=op.f("uq_payment_item_key")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index("ix_payment_account_id", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_payment_method_id", ["method_id"], unique=False)
        batch_op.create_index("ix_payment_accepted_on", ["accepted_on"], unique=False)
        batch_op.create_index("ix_payment_cancelled_on", ["cancelled_on"], unique=False)
        batch_op.create_index("ix_payment_returned_on", ["returned_on"], unique=False)
        batch_op.create_index("ix_payment_settlement", ["settlement", "id"], unique=False)
        batch_op.create_index("ix_payment_state", ["state", "effective_on"], unique=False)

    op.create_table(
        "payment_step",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_payment_step_payment_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", "seq", name=op.f("pk_payment_step")),
        sqlite_strict=True,
    )
    op.create_table(
        "processor_call",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("claimed_until", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('capture', 'void')", name=op.f("ck_processor_call_kind")),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'case')", name=op.f("ck_processor_call_state")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_processor_call_payment_id")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_processor_call")),
        sa.UniqueConstraint("payment_id", "kind", name=op.f("uq_processor_call_payment_id_kind")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("processor_call", schema=None) as batch_op:
        batch_op.create_index("ix_processor_call_state", ["state", "next_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("processor_call", schema=None) as batch_op:
        batch_op.drop_index("ix_processor_call_state")

    op.drop_table("processor_call")
    op.drop_table("payment_step")
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_state")
        batch_op.drop_index("ix_payment_settlement")
        batch_op.drop_index("ix_payment_returned_on")
        batch_op.drop_index("ix_payment_cancelled_on")
        batch_op.drop_index("ix_payment_accepted_on")
        batch_op.drop_index("ix_payment_method_id")
        batch_op.drop_index("ix_payment_account_id")

    op.drop_table("payment")
    op.drop_table("sandbox_charge")
    op.drop_table("sandbox_bank_entry")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_index("ix_receipt_account_id")

    op.drop_table("receipt")
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_method_user_id")

    op.drop_table("payment_method")
    op.drop_table("ledger_anchor")
    op.drop_table("day_done")
    op.drop_table("bank_return")
    op.drop_table("account")
