"""Ways to pay as their owner sees them: never more of a number than its last four digits."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from carport.payments.domain.payment import Method
from carport.payments.repo import methods


def listed(tx: sa.Connection, user_id: str) -> dict[str, Any]:
    """All of a user's ways to pay, oldest first, on one page."""
    return {"data": [shown(m) for m in methods.of_user(tx, user_id)], "next_cursor": None}


def shown(method: Method) -> dict[str, Any]:
    """A method as the API shows it."""
    return {
        "id": method.id,
        "type": method.type,
        "brand": method.brand,
        "last4": method.last4,
        "account_type": method.account_type,
        "holder_name": method.holder_name,
        "status": method.status,
        "created_at": method.created_at,
    }
