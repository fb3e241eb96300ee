"""Create the tables of notifications."""

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
        "account_parties",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "party_id", name=op.f("pk_account_parties")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("vehicle", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("flags", db.Json(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sqlite_strict=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'expired', 'failed_permanent')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "key",
            "addressee",
            "channel",
            "kind",
            name=op.f("uq_deliveries_key_addressee_channel_kind"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deliveries_due_at",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'sending')"),
            postgresql_where=sa.text("state IN ('queued', 'sending')"),
        )

    op.create_table(
        "mailbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("links", db.Json(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("sent_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.create_index("ix_mailbox_recipient", ["recipient", "id"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "is_read",
            sa.Boolean().with_variant(sa.Integer(), "sqlite"),
            server_default=sa.false(),
            nullable=False,
        ),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("key", "party_id", "kind", name=op.f("uq_messages_key_party_id_kind")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index("ix_messages_party_id", ["party_id", "id"], unique=False)

    op.create_table(
        "parties",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("boarded_email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("contact_event", sa.Text(), nullable=True),
        sa.Column("verified_email", sa.Text(), nullable=True),
        sa.Column("verified_event", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_parties")),
        sqlite_strict=True,
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("confirmation_number", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("effective_on", db.Day(), nullable=False),
        sa.Column("return_code", sa.Text(), nullable=True),
        sa.Column("return_text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
        sqlite_strict=True,
    )
    op.create_table(
        "preferences",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("email_off", db.Json(), nullable=False),
        sa.Column("days_ahead", db.Json(), nullable=False),
        sa.Column("quiet_from", sa.Text(), nullable=False),
        sa.Column("quiet_to", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_preferences")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    op.drop_table("preferences")
    op.drop_table("payments")
    op.drop_table("parties")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index("ix_messages_party_id")

    op.drop_table("messages")
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.drop_index("ix_mailbox_recipient")

    op.drop_table("mailbox")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_deliveries_due_at",
            sqlite_where=sa.text("state IN ('queued', 'sending')"),
            postgresql_where=sa.text("state IN ('queued', 'sending')"),
        )

    op.drop_table("deliveries")
    op.drop_table("accounts")
    op.drop_table("account_parties")
