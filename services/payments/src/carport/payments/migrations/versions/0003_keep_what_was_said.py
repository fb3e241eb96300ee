"""Keep what was said: history, anchors of the ledger and announced days are never changed."""

from __future__ import annotations

from carport.shared import triggers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GROWING = ("payment_step", "ledger_anchor", "day_done")


def upgrade() -> None:
    for table in GROWING:
        triggers.append_only(table)


def downgrade() -> None:
    for table in GROWING:
        triggers.changeable(table)
