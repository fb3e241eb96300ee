"""Events in: what becomes known (projections) and what customers are told (notices)."""

from __future__ import annotations

from carport.notifications.handlers import account_notices, identity, payment_notices, projections

HANDLERS = {
    **projections.HANDLERS,
    **identity.HANDLERS,
    **payment_notices.HANDLERS,
    **account_notices.HANDLERS,
}
