"""Counted tries: passwords against delays, proofs of identity and mails against a number a day."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from carport.auth.domain import backoff
from carport.auth.domain.names import canonical, comparable_account_number
from carport.auth.repo import counters
from carport.auth.tokens import Keys

PROOFS_PER_ACCOUNT_AND_DAY = 5
MAILS_PER_ADDRESS_AND_HOUR = 5


def count_password(
    tx: sa.Connection, subject: str, *, device: str, is_right: bool, now: datetime
) -> bool:
    """Count a password given for *subject*; whether it may open anything.

    A password given during a delay is not looked at, right or wrong, and makes it no longer.
    """
    guard = counters.lock_guard(tx, subject, device=device, now=now)
    failures, until = guard.failures, guard.blocked_until
    may_try = backoff.may_try(failures, until, now=now)
    if may_try:
        failures = 0 if is_right else failures + 1
        until = backoff.blocked_until(failures, now=now)
    counters.store_guard(tx, guard, failures=failures, blocked_until=until, now=now)
    return may_try and is_right


def count_proof(tx: sa.Connection, account_number: str, *, keys: Keys, now: datetime) -> bool:
    """Count a proof given for an account number; False when it has had enough of them today."""
    return counters.take_quota(
        tx,
        "proof",
        keys.keyed_hash(comparable_account_number(account_number)),
        allowed=PROOFS_PER_ACCOUNT_AND_DAY,
        window=timedelta(days=1),
        now=now,
    )


def count_mail(tx: sa.Connection, email: str, *, keys: Keys, now: datetime) -> bool:
    """Count a mail to that address; False when it has had enough of them this hour."""
    return counters.take_quota(
        tx,
        "mail",
        keys.keyed_hash(canonical(email)),
        allowed=MAILS_PER_ADDRESS_AND_HOUR,
        window=timedelta(hours=1),
        now=now,
    )
