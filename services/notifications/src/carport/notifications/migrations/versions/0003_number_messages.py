"""Number the messages of each inbox, so that a stream can go on where it ended.

Those that are there get their numbers when their owner first opens a stream.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("messages", sa.Column("seq", number, nullable=True))
    op.create_table(
        "inboxes",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("last_seq", number, nullable=False),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_inboxes")),
        sqlite_strict=True,
    )
    op.create_index("uq_messages_party_id_seq", "messages", ["party_id", "seq"], unique=True)


def downgrade() -> None:
    op.drop_table("inboxes")
    op.drop_index("uq_messages_party_id_seq", "messages")
    op.drop_column("messages", "seq")
