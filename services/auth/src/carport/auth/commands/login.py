"""Logging in. Whatever is wrong, the answer is one and the same, and it takes as long."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from carport.auth import passwords
from carport.auth.commands import sessions, tries
from carport.auth.commands.means import Client, Issued, Means
from carport.auth.domain.refusals import StaffNeedMfa
from carport.auth.queries import Candidate
from carport.auth.repo import counters, people

CUSTOMER = ["customer"]


@dataclass(frozen=True)
class Attempt:
    """A password that has been checked; *new_hash* when the stored one has outdated costs."""

    candidate: Candidate
    is_right: bool
    new_hash: str | None = None


def check(candidate: Candidate, password: str) -> Attempt:
    """Check *password*, outside any transaction: it takes its time. Raises Unavailable."""
    is_right = passwords.is_right(candidate.password_hash, password)
    if is_right and passwords.needs_rehash(candidate.password_hash):
        return Attempt(candidate, is_right, passwords.hashed(password))
    return Attempt(candidate, is_right)


def log_in(
    tx: sa.Connection,
    attempt: Attempt,
    *,
    client: Client,
    means: Means,
    staff_need_mfa: bool = False,
) -> Issued | None:
    """Tokens of a new session; None is a refusal.

    The count of tries is part of this transaction, so the caller commits either way. Raises
    StaffNeedMfa.
    """
    candidate = attempt.candidate
    user = people.lock_user(tx, candidate.user_id) if candidate.user_id else None
    counted = tries.count_password(
        tx,
        candidate.subject,
        device=client.device,
        is_right=_still_opens(user, attempt),
        now=means.now,
    )
    if not counted or user is None:
        return None
    if staff_need_mfa and user.scopes != CUSTOMER:
        raise StaffNeedMfa
    if attempt.new_hash:
        people.change_user(tx, user.id, password_hash=attempt.new_hash)
    counters.know_device(tx, candidate.subject, device=client.device, now=means.now)
    return sessions.start(tx, user, client=client, means=means)


def step_up(tx: sa.Connection, session_id: str, *, attempt: Attempt, means: Means) -> Issued | None:
    """Fresh tokens of the same session, whose user gave the password again; None is a refusal."""
    if not confirm(tx, attempt, means=means):
        return None
    return sessions.prove_again(tx, session_id, means=means)


def confirm(tx: sa.Connection, attempt: Attempt, *, means: Means) -> bool:
    """Count a password given within a session, with the tries of all unknown devices."""
    user = people.lock_user(tx, attempt.candidate.subject)
    return tries.count_password(
        tx,
        attempt.candidate.subject,
        device=counters.ANY_DEVICE,
        is_right=_still_opens(user, attempt),
        now=means.now,
    )


def _still_opens(user: people.Row | None, attempt: Attempt) -> bool:
    """The password may have been changed, or the user disabled, since it was checked."""
    return (
        attempt.is_right
        and user is not None
        and not user.is_disabled
        and user.password_hash == attempt.candidate.password_hash
    )
