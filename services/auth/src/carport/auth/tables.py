"""Who may log in, what proves it, and what is live: the tables of auth."""

from __future__ import annotations

import sqlalchemy as sa

from carport.shared.db import CONVENTION, Flag, Json, Text, UtcDateTime, table

metadata = sa.MetaData(naming_convention=CONVENTION)

# Who stands on which contract, as accounts boarded it. account_number and match_key come with
# identity_recorded; the row may exist before, from account_boarded, which carries neither.
identity = table(
    "identity",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("party_id", Text, primary_key=True),
    sa.Column("role", Text, nullable=False),
    sa.Column("account_number", Text),
    sa.Column("match_key", Text),
    sa.Column("recorded_at", UtcDateTime),
    sa.Index("ix_identity_account_number", "account_number"),
    sa.Index("ix_identity_party_id", "party_id"),
)

# password_hash is Argon2id; username_key and email_key are the canonical forms that are compared.
user = table(
    "user",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("party_id", Text),
    sa.Column("username", Text),
    sa.Column("username_key", Text, unique=True),
    sa.Column("email", Text),
    sa.Column("email_key", Text, unique=True),
    sa.Column("email_verified_at", UtcDateTime),
    sa.Column("password_hash", Text, nullable=False),
    sa.Column("password_changed_at", UtcDateTime, nullable=False),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("is_disabled", Flag, nullable=False, server_default=sa.false()),
    sa.Column("terms_version", Text),
    sa.Column("terms_accepted_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("username_key IS NOT NULL OR email_key IS NOT NULL", name="has_a_name"),
)

# Whose each party is, once proved; a party belongs to one user. Its row is the lock under which a
# new contract and a new user of the same party find each other.
party = table(
    "party",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("user_id", Text, sa.ForeignKey("user.id"), index=True),
)

account_link = table(
    "account_link",
    metadata,
    sa.Column("user_id", Text, sa.ForeignKey("user.id"), primary_key=True),
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("party_id", Text, nullable=False),
    sa.Column("role", Text, nullable=False),
    sa.Column("linked_at", UtcDateTime, nullable=False),
)

# A registration whose link has been mailed; the user is made when the link is used.
registration = table(
    "registration",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("token_hash", Text, nullable=False, unique=True),
    sa.Column("party_id", Text, nullable=False, index=True),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("email", Text, nullable=False),
    sa.Column("email_key", Text, nullable=False, index=True),
    sa.Column("username", Text),
    sa.Column("password_hash", Text, nullable=False),
    sa.Column("terms_version", Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
)

password_reset = table(
    "password_reset",
    metadata,
    sa.Column("token_hash", Text, primary_key=True),
    sa.Column("user_id", Text, sa.ForeignKey("user.id"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

# expires_at, which the guard reads in the embedded mode, is the earlier of the idle end and
# ends_by. device is a hash of the X-Device header.
session = table(
    "session",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("user_id", Text, sa.ForeignKey("user.id"), nullable=False, index=True),
    sa.Column("client_id", Text, nullable=False),
    sa.Column("device", Text, nullable=False),
    sa.Column("acr", Text, nullable=False),
    sa.Column("auth_time", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ends_by", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("end_reason", Text),
)

# Hashes only. A session is a family of tokens; the index keeps at most one of them unspent.
refresh_token = table(
    "refresh_token",
    metadata,
    sa.Column("token_hash", Text, primary_key=True),
    sa.Column("session_id", Text, sa.ForeignKey("session.id"), nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("spent_at", UtcDateTime),
    sa.Index("ix_refresh_token_session_id", "session_id"),
    sa.Index(
        "uq_refresh_token_unspent",
        "session_id",
        unique=True,
        sqlite_where=sa.text("spent_at IS NULL"),
        postgresql_where=sa.text("spent_at IS NULL"),
    ),
)

# Wrong passwords in a row, per user and per device that has logged in before ("" = any other).
# subject is a user's id, or one of a few rows that all unknown names share.
login_guard = table(
    "login_guard",
    metadata,
    sa.Column("subject", Text, primary_key=True),
    sa.Column("device", Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", UtcDateTime),
    sa.Column("last_try_at", UtcDateTime, nullable=False),
)

# Counted tries of a kind in a window: proofs per account and day, mails per address and hour.
quota = table(
    "quota",
    metadata,
    sa.Column("kind", Text, primary_key=True),
    sa.Column("subject", Text, primary_key=True),
    sa.Column("window_start", UtcDateTime, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Index("ix_quota_window_start", "window_start"),
)

# What the demo loader says it has registered (sandbox only).
demo_credential = table(
    "demo_credential",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("kind", Text, nullable=False),
    sa.Column("entry", Json, nullable=False),
)
