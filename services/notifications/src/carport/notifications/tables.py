"""Tables of notifications: what it knows of people, accounts and payments, and what it sends."""

from __future__ import annotations

import sqlalchemy as sa

from carport.shared import db
from carport.shared.db import Cents, Day, Flag, Json, Text, UtcDateTime, table

metadata = sa.MetaData(naming_convention=db.CONVENTION)

parties = table(
    "parties",
    metadata,
    sa.Column("party_id", Text, primary_key=True),
    sa.Column("first_name", Text),
    sa.Column("last_name", Text),
    sa.Column("boarded_email", Text),
    sa.Column("language", Text),
    sa.Column("contact_event", Text),
    sa.Column("verified_email", Text),
    sa.Column("verified_event", Text),
)

accounts = table(
    "accounts",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("last4", Text),
    sa.Column("product", Text),
    sa.Column("vehicle", Text),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("flags", Json),
)

account_parties = table(
    "account_parties",
    metadata,
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("party_id", Text, primary_key=True),
    sa.Column("role", Text, nullable=False),
)

payments = table(
    "payments",
    metadata,
    sa.Column("payment_id", Text, primary_key=True),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("party_id", Text),
    sa.Column("confirmation_number", Text, nullable=False),
    sa.Column("method", Text, nullable=False),
    sa.Column("effective_on", Day, nullable=False),
    sa.Column("return_code", Text),
    sa.Column("return_text", Text),
)

messages = table(
    "messages",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("key", Text, nullable=False),
    sa.Column("party_id", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("account_id", Text),
    sa.Column("event_type", Text, nullable=False),
    sa.Column("event_id", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("is_read", Flag, nullable=False, server_default=sa.false()),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seq", Cents),
    sa.UniqueConstraint("key", "party_id", "kind"),
    sa.Index("uq_messages_party_id_seq", "party_id", "seq", unique=True),
    sa.Index("ix_messages_party_id", "party_id", "id"),
)

inboxes = table(
    "inboxes",
    metadata,
    sa.Column("party_id", Text, primary_key=True),
    sa.Column("last_seq", Cents, nullable=False),
)

deliveries = table(
    "deliveries",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("key", Text, nullable=False),
    sa.Column("addressee", Text, nullable=False),
    sa.Column("channel", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("event_type", Text, nullable=False),
    sa.Column("content", Text),
    sa.Column("state", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("claim_token", Text),
    sa.Column("traceparent", Text),
    sa.Column("error", Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.UniqueConstraint("key", "addressee", "channel", "kind"),
    sa.CheckConstraint(
        "state IN ('queued', 'sending', 'sent', 'expired', 'failed_permanent')", name="state"
    ),
    sa.Index(
        "ix_deliveries_due_at",
        "due_at",
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    ),
)

preferences = table(
    "preferences",
    metadata,
    sa.Column("party_id", Text, primary_key=True),
    sa.Column("email_off", Json, nullable=False),
    sa.Column("days_ahead", Json, nullable=False),
    sa.Column("quiet_from", Text, nullable=False),
    sa.Column("quiet_to", Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

mailbox = table(
    "mailbox",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("channel", Text, nullable=False),
    sa.Column("recipient", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("text", Text, nullable=False),
    sa.Column("html", Text),
    sa.Column("links", Json, nullable=False),
    sa.Column("event_type", Text, nullable=False),
    sa.Column("sent_at", UtcDateTime, nullable=False),
    sa.Index("ix_mailbox_recipient", "recipient", "id"),
)
