"""Create the tables of accounts, append-only where the ledger is, in both databases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from carport.shared import db, triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CLOSED = "NEW.booked_on <= (SELECT closed_through FROM contract WHERE id = NEW.contract_id)"
SHRINKS = "NEW.debits < OLD.debits OR NEW.credits < OLD.credits"


def create_triggers() -> None:
    """Journals, entries and anchors are never changed; balances only grow; closed days stay."""
    for table in ("journal", "entry", "anchor"):
        triggers.append_only(table)
    triggers.refuse("balance", "DELETE", "balances are kept")
    triggers.refuse("balance", "UPDATE", "balances only grow", when=SHRINKS)
    triggers.refuse("journal", "INSERT", "the day is closed", when=CLOSED)


def upgrade() -> None:
    op.create_table(
        "anchor",
        sa.Column("date", db.Day(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_anchor")),
        sqlite_strict=True,
    )
    op.create_table(
        "chain",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("booked_on", db.Day(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chain")),
        sqlite_strict=True,
    )
    op.create_table(
        "clock_target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("date", db.Day(), nullable=False),
        sa.Column("local_time", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_target_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_target")),
        sqlite_strict=True,
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_number", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("vehicle", db.Json(), nullable=False),
        sa.Column("vin", sa.Text(), nullable=False),
        sa.Column("contract_date", db.Day(), nullable=False),
        sa.Column("maturity_date", db.Day(), nullable=False),
        sa.Column("closed_through", db.Day(), nullable=False),
        sa.Column("next_action_on", db.Day(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("boarded_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("product IN ('retail', 'lease')", name=op.f("ck_contract_product")),
        sa.CheckConstraint(
            "status IN ('active', 'paid_off', 'returned', 'closed', 'charged_off')",
            name=op.f("ck_contract_status"),
        ),
        sa.CheckConstraint("version >= 0", name=op.f("ck_contract_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("account_number", name=op.f("uq_contract_account_number")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.create_index(
            "ix_contract_close", ["closed_through", "next_action_on"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_contract_vin"), ["vin"], unique=False)

    op.create_table(
        "day_close",
        sa.Column("date", db.Day(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("next_local_time", sa.Text(), nullable=False),
        sa.Column("payments_done", db.Json(), nullable=True),
        sa.Column("lease_done", db.Json(), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("started_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("override", db.Json(), nullable=True),
        sa.CheckConstraint("step IN ('ending', 'closing', 'done')", name=op.f("ck_day_close_step")),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_day_close")),
        sqlite_strict=True,
    )
    op.create_table(
        "party",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_number", sa.Text(), nullable=True),
        sa.Column("merge_key", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("last_name_key", sa.Text(), nullable=False),
        sa.Column("birth_date", db.Day(), nullable=False),
        sa.Column("ssn_last4", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_verified_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("address", db.Json(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
        sa.UniqueConstraint("customer_number", name=op.f("uq_party_customer_number")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_party_last_name_key"), ["last_name_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_party_merge_key"), ["merge_key"], unique=False)

    op.create_table(
        "work_item",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", db.Json(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_work_item_kind_subject")),
        sqlite_strict=True,
    )
    op.create_table(
        "balance",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("debits", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credits", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("debits >= 0 AND credits >= 0", name=op.f("ck_balance_not_negative")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_balance_contract_id")
        ),
        sa.PrimaryKeyConstraint("contract_id", "account", name=op.f("pk_balance")),
        sqlite_strict=True,
    )
    op.create_table(
        "contract_party",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("linked_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('primary', 'co_borrower')", name=op.f("ck_contract_party_role")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_party_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["party.id"], name=op.f("fk_contract_party_party_id")
        ),
        sa.PrimaryKeyConstraint("contract_id", "party_id", name=op.f("pk_contract_party")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("contract_party", schema=None) as batch_op:
        batch_op.create_index("ix_contract_party_party_id", ["party_id"], unique=False)

    op.create_table(
        "item",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("effective_on", db.Day(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("data", db.Json(), nullable=False),
        sa.Column("source_event_id", sa.Text(), nullable=True),
        sa.Column("recorded_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("reversed_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reversal", db.Json(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('payment', 'refund', 'fee', 'waiver', 'write_off', 'extension', 'return')",
            name=op.f("ck_item_kind"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_item_amount")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_item_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index("ix_item_contract_id", ["contract_id", "effective_on"], unique=False)

    op.create_table(
        "journal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("effective_on", db.Day(), nullable=False),
        sa.Column("booked_on", db.Day(), nullable=False),
        sa.Column("posted_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "balance_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("reverses_id", sa.Text(), nullable=True),
        sa.Column("source_event_id", sa.Text(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(amount IS NULL) = (balance_after IS NULL)", name=op.f("ck_journal_shown")
        ),
        sa.CheckConstraint("effective_on <= booked_on", name=op.f("ck_journal_not_ahead")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_journal_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["journal.id"], name=op.f("fk_journal_reverses_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("chain", "seq", name=op.f("uq_journal_chain_seq")),
        sa.UniqueConstraint("reference", name=op.f("uq_journal_reference")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_journal_reverses_id")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("ix_journal_booked_on", ["booked_on"], unique=False)
        batch_op.create_index("ix_journal_contract_id", ["contract_id", "seq"], unique=False)

    op.create_table(
        "derived",
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_reversed", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_derived_revision")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_derived_contract_id")
        ),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_derived_journal_id")),
        sa.PrimaryKeyConstraint("journal_id", name=op.f("pk_derived")),
        sa.UniqueConstraint("key", "revision", name=op.f("uq_derived_key_revision")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("derived", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_derived_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(
            "ux_derived_live",
            ["key"],
            unique=True,
            sqlite_where=sa.text("is_reversed = 0"),
            postgresql_where=sa.text("NOT is_reversed"),
        )

    op.create_table(
        "entry",
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("side IN ('debit', 'credit')", name=op.f("ck_entry_side")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_entry_amount")),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_entry_journal_id")),
        sa.PrimaryKeyConstraint("journal_id", "line", name=op.f("pk_entry")),
        sqlite_strict=True,
    )
    create_triggers()


def downgrade() -> None:
    op.drop_table("entry")
    with op.batch_alter_table("derived", schema=None) as batch_op:
        batch_op.drop_index(
            "ux_derived_live",
            sqlite_where=sa.text("is_reversed = 0"),
            postgresql_where=sa.text("NOT is_reversed"),
        )
        batch_op.drop_index(batch_op.f("ix_derived_contract_id"))

    op.drop_table("derived")
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_contract_id")
        batch_op.drop_index("ix_journal_booked_on")

    op.drop_table("journal")
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index("ix_item_contract_id")

    op.drop_table("item")
    with op.batch_alter_table("contract_party", schema=None) as batch_op:
        batch_op.drop_index("ix_contract_party_party_id")

    op.drop_table("contract_party")
    op.drop_table("balance")
    op.drop_table("work_item")
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_party_merge_key"))
        batch_op.drop_index(batch_op.f("ix_party_last_name_key"))

    op.drop_table("party")
    op.drop_table("day_close")
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contract_vin"))
        batch_op.drop_index("ix_contract_close")

    op.drop_table("contract")
    op.drop_table("clock_target")
    op.drop_table("chain")
    op.drop_table("anchor")
    if op.get_bind().dialect.name == "postgresql":
        for table in ("journal", "entry", "anchor", "balance"):
            for event in ("insert", "update", "delete", "truncate"):
                op.execute(f"DROP FUNCTION IF EXISTS {table}_refuse_{event}()")
