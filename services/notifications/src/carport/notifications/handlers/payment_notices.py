"""Notices about payments: each payment has at most one of each kind, whatever is redelivered.

The ledger's effect comes before the notice of it: a cancelled or returned payment that had been
posted is told when accounts has reversed it, with the balance after.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from carport.notifications import repo
from carport.notifications.commands import Notice, tell
from carport.notifications.domain.wording import allocation_lines, method_name
from carport.shared.errors import NotYet
from carport.shared.events import Event
from carport.shared.service import Handler, commuting


def on_payment_accepted(tx: Connection, event: Event, now: datetime) -> None:
    """What the receipt will say of the order."""
    _store(tx, event.data)


def on_payment_scheduled(tx: Connection, event: Event, now: datetime) -> None:
    """Confirm the order to whoever gave it."""
    _store(tx, event.data)
    _tell(tx, event, now, "payment_scheduled", _known(tx, event.data["payment_id"]))


def on_payment_posted(tx: Connection, event: Event, now: datetime) -> None:
    """The receipt: amount, date, confirmation number, where every cent went, balance after."""
    data = event.data
    account = repo.account(tx, data["account_id"])
    lines = allocation_lines(account.product, data["allocation"])
    payment = _known(tx, data["payment_id"])
    _tell(tx, event, now, "payment_posted", payment, allocation=lines)


def on_payment_failed(tx: Connection, event: Event, now: datetime) -> None:
    """The card or bank said no: nothing moved."""
    _tell_failure(tx, event, now, "No money was moved.")


def on_payment_rejected(tx: Connection, event: Event, now: datetime) -> None:
    """The ledger said no: payments gives back what was taken, if anything was."""
    money_moved = (
        "Nothing was posted to your account. Money that was already taken from your card or bank "
        "account is given back in full; you need not ask for it."
    )
    _tell_failure(tx, event, now, money_moved)


def on_payment_cancelled(tx: Connection, event: Event, now: datetime) -> None:
    """A scheduled payment that was cancelled; an accepted one is told by its reversal."""
    if not event.data["was_accepted"]:
        payment = _known(tx, event.data["payment_id"])
        _tell(tx, event, now, "payment_cancelled", payment, balance_after=None)


def on_payment_returned(tx: Connection, event: Event, now: datetime) -> None:
    """Keep the bank's reason; accounts' reversal makes the notice."""
    data = event.data
    if not repo.store_return(tx, data["payment_id"], data["code"], data["text"]):
        raise NotYet("the payment has not been announced")


def on_payment_reversed(tx: Connection, event: Event, now: datetime) -> None:
    """A posted payment was taken off the account again."""
    payment = _known(tx, event.data["payment_id"])
    if event.data["cause"] == "cancelled":
        _tell(tx, event, now, "payment_cancelled", payment)
        return
    if payment.return_text is None:
        raise NotYet("the bank's reason has not been announced")
    _tell(
        tx,
        event,
        now,
        "payment_returned",
        payment,
        reason=payment.return_text,
        code=payment.return_code,
    )


def on_method_added(tx: Connection, event: Event, now: datetime) -> None:
    """A new way to pay is a thing its owner must have done."""
    person = repo.party(tx, event.data["party_id"])
    values = {"method": method_name(event.data)}
    tell(tx, Notice("method_added", event.data["method_id"], event, values), [person], now)


def _store(tx: Connection, data: Mapping[str, Any]) -> None:
    repo.store_payment(
        tx,
        data["payment_id"],
        account_id=data["account_id"],
        party_id=data.get("party_id"),
        confirmation_number=data["confirmation_number"],
        method=method_name(data["method"]),
        effective_on=date.fromisoformat(data["effective_on"]),
    )


def _known(tx: Connection, payment_id: str) -> repo.Payment:
    payment = repo.payment(tx, payment_id)
    if payment is None:
        raise NotYet("the payment has not been announced")
    return payment


def _tell(
    tx: Connection, event: Event, now: datetime, kind: str, payment: repo.Payment, **values: Any
) -> None:
    about = {
        "confirmation_number": payment.confirmation_number,
        "method": payment.method,
        "effective_on": payment.effective_on,
    }
    account = repo.account(tx, payment.account_id)
    told = {**about, **event.data, "method": payment.method, **values}
    notice = Notice(kind, payment.payment_id, event, told, account)
    tell(tx, notice, _payers(tx, payment.account_id, payment.party_id), now)


def _tell_failure(tx: Connection, event: Event, now: datetime, money_moved: str) -> None:
    """One notice of a failed payment, by whichever of payments and accounts says it first.

    A card that is declined was never announced, so the payment may be unknown.
    """
    data = event.data
    payment = repo.payment(tx, data["payment_id"])
    number = payment.confirmation_number if payment else data.get("confirmation_number")
    values = {
        "amount": data["amount"],
        "reason": data["reason"]["text"],
        "money_moved": money_moved,
        "method": payment.method if payment else None,
        "confirmation_number": number,
    }
    account = repo.account(tx, data["account_id"])
    payer = payment.party_id if payment else data.get("party_id")
    notice = Notice("payment_failed", data["payment_id"], event, values, account)
    tell(tx, notice, _payers(tx, data["account_id"], payer), now)


def _payers(tx: Connection, account_id: str, party_id: str | None) -> list[repo.Party]:
    """Who ordered the payment; for a cheque by mail, everybody on the account."""
    return [repo.party(tx, party_id)] if party_id else repo.parties_of(tx, account_id)


HANDLERS: dict[str, Handler] = {
    "accounts.payment_posted.v1": commuting(on_payment_posted),
    "accounts.payment_rejected.v1": on_payment_rejected,
    "accounts.payment_reversed.v1": on_payment_reversed,
    "payments.method_added.v1": on_method_added,
    "payments.payment_accepted.v1": commuting(on_payment_accepted),
    "payments.payment_cancelled.v1": on_payment_cancelled,
    "payments.payment_failed.v1": on_payment_failed,
    "payments.payment_returned.v1": on_payment_returned,
    "payments.payment_scheduled.v1": on_payment_scheduled,
}
