"""Create the tables of lease."""

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
        "accounts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sqlite_strict=True,
    )
    op.create_table(
        "closings",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("paid_off_on", db.Day(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_closings")),
        sqlite_strict=True,
    )
    op.create_table(
        "day_ends",
        sa.Column("date", db.Day(), nullable=False),
        sa.Column("next_local_time", sa.Text(), nullable=False),
        sa.Column("announced_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_day_ends")),
        sqlite_strict=True,
    )
    op.create_table(
        "leases",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("payment", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("residual", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("adjusted_balances", db.Json(), nullable=False),
        sa.Column("tax_rate", sa.Text(), nullable=False),
        sa.Column("tax_method", sa.Text(), nullable=False),
        sa.Column("annual_allowance", sa.Integer(), nullable=False),
        sa.Column("excess_rate", sa.Integer(), nullable=False),
        sa.Column("start_odometer", sa.Integer(), nullable=False),
        sa.Column(
            "disposition_fee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "purchase_option_fee",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_leases")),
        sqlite_strict=True,
    )
    op.create_table(
        "notices",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("maturity_date", db.Day(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("given_on", db.Day(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "maturity_date", "notice_days", name=op.f("pk_notices")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_on", db.Day(), nullable=False),
        sa.Column("is_reversed", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payments_account_id", ["account_id", "effective_on"], unique=False
        )

    op.create_table(
        "snapshots",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("maturity_date", db.Day(), nullable=False),
        sa.Column("unpaid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "adjusted_balance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("oldest_unpaid_due", db.Day(), nullable=True),
        sa.Column("payments_remaining", sa.Integer(), nullable=False),
        sa.Column("flags", db.Json(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_snapshots")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.create_index("ix_snapshots_maturity_date", ["maturity_date"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.drop_index("ix_snapshots_maturity_date")

    op.drop_table("snapshots")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index("ix_payments_account_id")

    op.drop_table("payments")
    op.drop_table("notices")
    op.drop_table("leases")
    op.drop_table("day_ends")
    op.drop_table("closings")
    op.drop_table("accounts")
