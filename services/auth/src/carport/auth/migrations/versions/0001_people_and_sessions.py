"""Create who may log in, and what is live."""

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
        "demo_credential",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entry", db.Json(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_demo_credential")),
        sqlite_strict=True,
    )
    op.create_table(
        "identity",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account_number", sa.Text(), nullable=True),
        sa.Column("match_key", sa.Text(), nullable=True),
        sa.Column("recorded_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "party_id", name=op.f("pk_identity")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("identity", schema=None) as batch_op:
        batch_op.create_index("ix_identity_account_number", ["account_number"], unique=False)
        batch_op.create_index("ix_identity_party_id", ["party_id"], unique=False)

    op.create_table(
        "login_guard",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_try_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", "device", name=op.f("pk_login_guard")),
        sqlite_strict=True,
    )
    op.create_table(
        "quota",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("window_start", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "window_start", name=op.f("pk_quota")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("quota", schema=None) as batch_op:
        batch_op.create_index("ix_quota_window_start", ["window_start"], unique=False)

    op.create_table(
        "registration",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("terms_version", sa.Text(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_registration_token_hash")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registration_email_key"), ["email_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_registration_party_id"), ["party_id"], unique=False)

    op.create_table(
        "user",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("username_key", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("email_verified_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_changed_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("scopes", db.Json(), nullable=False),
        sa.Column(
            "is_disabled",
            sa.Boolean().with_variant(sa.Integer(), "sqlite"),
            server_default=sa.false(),
            nullable=False,
        ),
        sa.Column("terms_version", sa.Text(), nullable=True),
        sa.Column("terms_accepted_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "username_key IS NOT NULL OR email_key IS NOT NULL", name=op.f("ck_user_has_a_name")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email_key", name=op.f("uq_user_email_key")),
        sa.UniqueConstraint("username_key", name=op.f("uq_user_username_key")),
        sqlite_strict=True,
    )
    op.create_table(
        "account_link",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("linked_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_account_link_user_id")),
        sa.PrimaryKeyConstraint("user_id", "account_id", name=op.f("pk_account_link")),
        sqlite_strict=True,
    )
    op.create_table(
        "party",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_party_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_party_user_id"), ["user_id"], unique=False)

    op.create_table(
        "password_reset",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_password_reset_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_reset")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("password_reset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_reset_user_id"), ["user_id"], unique=False)

    op.create_table(
        "session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("auth_time", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_by", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "refresh_token",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("issued_at", db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("spent_at", db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_refresh_token_session_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_token")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.create_index("ix_refresh_token_session_id", ["session_id"], unique=False)
        batch_op.create_index(
            "uq_refresh_token_unspent",
            ["session_id"],
            unique=True,
            sqlite_where=sa.text("spent_at IS NULL"),
            postgresql_where=sa.text("spent_at IS NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_refresh_token_unspent",
            sqlite_where=sa.text("spent_at IS NULL"),
            postgresql_where=sa.text("spent_at IS NULL"),
        )
        batch_op.drop_index("ix_refresh_token_session_id")

    op.drop_table("refresh_token")
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_user_id"))

    op.drop_table("session")
    with op.batch_alter_table("password_reset", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_password_reset_user_id"))

    op.drop_table("password_reset")
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_party_user_id"))

    op.drop_table("party")
    op.drop_table("account_link")
    op.drop_table("user")
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_registration_party_id"))
        batch_op.drop_index(batch_op.f("ix_registration_email_key"))

    op.drop_table("registration")
    with op.batch_alter_table("quota", schema=None) as batch_op:
        batch_op.drop_index("ix_quota_window_start")

    op.drop_table("quota")
    op.drop_table("login_guard")
    with op.batch_alter_table("identity", schema=None) as batch_op:
        batch_op.drop_index("ix_identity_party_id")
        batch_op.drop_index("ix_identity_account_number")

    op.drop_table("identity")
    op.drop_table("demo_credential")
