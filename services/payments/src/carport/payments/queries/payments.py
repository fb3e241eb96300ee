"""Payments as their customers see them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from carport.payments.domain import dates
from carport.payments.domain import payment as rules
from carport.payments.domain.payment import Payment
from carport.payments.domain.states import State
from carport.payments.providers import installation
from carport.payments.providers.banking_days import is_banking_day
from carport.payments.repo import payments
from carport.payments.tables import payments as table
from carport.shared import business_day, pagination
from carport.shared.business_day import BusinessDay
from carport.shared.errors import NotFound
from carport.shared.lender import Lender

WITH_REASON = frozenset({State.FAILED, State.RETURNED})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: their own orders can be cancelled, other payments of the account only seen."""

    user_id: str | None
    accounts: Collection[str]


def one(tx: sa.Connection, reader: Reader, payment_id: str, *, now: datetime) -> dict[str, Any]:
    """A payment of one of the reader's accounts. Raises NotFound."""
    payment = payments.find(tx, payment_id)
    if payment is None or payment.account_id not in reader.accounts:
        raise NotFound
    return shown(tx, reader, [payment], now=now)[0]


def listed(
    tx: sa.Connection,
    reader: Reader,
    *,
    account_id: str | None,
    page: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """A page of the payments of the reader's accounts, or of one of them, newest first."""
    accounts = [a for a in reader.accounts if account_id in (None, a)]
    found = pagination.page(
        tx,
        payments.of_accounts(accounts),
        keys=[table.c.id],
        scope=f"{reader.user_id}|{account_id}",
        **page,
    )
    rows = [payments.of_row(row) for row in found["data"]]
    return {"data": shown(tx, reader, rows, now=now), "next_cursor": found["next_cursor"]}


def shown(
    tx: sa.Connection, reader: Reader, found: Sequence[Payment], *, now: datetime
) -> list[dict[str, Any]]:
    """*found* as the API shows them, with history and, once posted, where the money went."""
    ids = [payment.id for payment in found]
    receipts, steps = payments.receipts_of(tx, ids), payments.steps(tx, ids)
    day = installation.standing(tx, business_day.get(tx), now)
    return [
        {
            **_facts(payment),
            **_outcome(payment, receipts.get(payment.id)),
            **_cancellation(payment, reader, day, installation.lender(tx)),
            "history": [{"state": s["state"], "at": s["at"]} for s in steps[payment.id]],
        }
        for payment in found
    ]


def _facts(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "account_id": payment.account_id,
        "state": payment.state,
        "settlement": payment.settlement,
        "amount": payment.amount,
        "currency": payment.currency,
        "payment_method": {
            "id": payment.method_id,
            "type": payment.method_type,
            "brand": payment.brand,
            "last4": payment.last4,
        },
        "extra": payment.extra,
        "effective_date": payment.effective_on,
        "confirmation_number": payment.confirmation_number,
        "created_at": payment.created_at,
    }


def _outcome(payment: Payment, receipt: Mapping[str, Any] | None) -> dict[str, Any]:
    has_reason = payment.state in WITH_REASON
    is_posted = receipt is not None and payment.state is State.POSTED
    reason = {"code": payment.reason_code, "text": payment.reason_text}
    return {
        "reason": reason if has_reason else None,
        "money_moved": rules.money_moved(payment),
        "allocation": receipt["allocation"] if receipt and is_posted else None,
        "balance_after": receipt["balance_after"] if receipt and is_posted else None,
    }


def _cancellation(
    payment: Payment, reader: Reader, day: BusinessDay, lender: Lender
) -> dict[str, Any]:
    limit = rules.cancel_limit(payment, cut_off=lender.cut_off, is_banking_day=is_banking_day)
    is_open = payment.user_id == reader.user_id and rules.is_cancellable(
        limit, today=day.date, local_time=day.local_time
    )
    before = dates.instant(*limit, lender.time_zone) if limit and is_open else None
    return {
        "cancellable": is_open,
        "cancel_before": before.astimezone(UTC) if before else None,
    }
