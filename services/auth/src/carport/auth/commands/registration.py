"""Registration: a request matched to a boarded contract, and its completion by the mailed link.

Every request does the same work and is answered the same; only the mail tells the outcome.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from carport.auth import events, tokens
from carport.auth.commands import links, tries
from carport.auth.domain.lifetimes import VERIFICATION_LINK
from carport.auth.domain.names import canonical, comparable_account_number
from carport.auth.domain.refusals import InvalidToken, UsernameTaken
from carport.auth.repo import links as link_rows
from carport.auth.repo import people
from carport.auth.tokens import Keys
from carport.shared import outbox
from carport.shared.kernel.identity import match_key
from carport.shared.kernel.ids import new_id

NO_KEY = "0" * 64


@dataclass(frozen=True)
class Proof:
    """What somebody says about a contract that only a person on it knows."""

    account_number: str
    last_name: str
    zip_code: str
    ssn_last4: str


@dataclass(frozen=True)
class Application:
    """A registration as asked for; *email* and *username* parsed, the password hashed."""

    proof: Proof
    email: str
    username: str | None
    password_hash: str
    terms_version: str


@dataclass(frozen=True)
class Outcome:
    """Which mail the address gets, and what it may say."""

    kind: str
    account_id: str | None = None
    party_id: str | None = None
    username: str | None = None
    email: str | None = None


def request(tx: sa.Connection, application: Application, *, keys: Keys, now: datetime) -> str:
    """Have the outcome mailed to the address; answers it for the log."""
    matched = match(tx, application.proof, keys=keys, now=now)
    outcome = _decide(tx, application, matched)
    token, registration_id = tokens.new_secret(), new_id(now)
    expires_at = now + VERIFICATION_LINK
    mail = {
        "email": outcome.email or application.email,
        "token": token if outcome.kind == "verify" else None,
        "username": outcome.username,
    }
    sealed = keys.sealed_for_notifications(mail, expires_at=expires_at)
    if outcome.kind == "verify":
        _store(tx, application, outcome, registration_id=registration_id, token=token, now=now)
    if tries.count_mail(tx, application.email, keys=keys, now=now):
        outbox.add(
            tx,
            events.registration_requested(
                registration_id,
                outcome=outcome.kind,
                account_id=outcome.account_id,
                sealed=sealed,
                expires_at=expires_at,
                now=now,
            ),
        )
    return outcome.kind


def match(
    tx: sa.Connection, proof: Proof, *, keys: Keys, now: datetime
) -> Mapping[str, Any] | None:
    """The identity the proof is of; None when it is of nobody, or the contract's tries are used
    up. Unknown numbers are counted and compared like known ones."""
    allowed = tries.count_proof(tx, proof.account_number, keys=keys, now=now)
    given = match_key(
        keys.identity,
        last_name=proof.last_name,
        zip_code=proof.zip_code,
        ssn_last4=proof.ssn_last4,
    )
    known = people.identities_of_number(tx, comparable_account_number(proof.account_number))
    found = [row for row in known if hmac.compare_digest(row.match_key or NO_KEY, given)]
    return found[0]._mapping if allowed and found else None


def verify(tx: sa.Connection, token: str, *, username: str | None, now: datetime) -> str:
    """Complete the registration of a link; answers the user's id.

    *username* replaces the one asked for. Raises InvalidToken, UsernameTaken.
    """
    asked = link_rows.lock_registration(tx, tokens.fingerprint(token), now=now)
    if asked is None or people.lock_party(tx, asked.party_id).user_id is not None:
        raise InvalidToken
    chosen = username or asked.username
    if chosen and not people.is_username_free(tx, chosen):
        raise UsernameTaken
    user_id = new_id(now)
    added = people.add_user(
        tx,
        id=user_id,
        party_id=asked.party_id,
        username=chosen,
        username_key=canonical(chosen) if chosen else None,
        email=asked.email,
        email_key=asked.email_key,
        email_verified_at=now,
        password_hash=asked.password_hash,
        password_changed_at=asked.created_at,
        scopes=["customer"],
        terms_version=asked.terms_version,
        terms_accepted_at=asked.created_at,
        created_at=now,
    )
    if not added:
        raise InvalidToken
    link_rows.close_registrations(tx, party_id=asked.party_id, email_key=asked.email_key, now=now)
    _announce(tx, user_id, asked, now=now)
    return user_id


def _decide(
    tx: sa.Connection, application: Application, matched: Mapping[str, Any] | None
) -> Outcome:
    """A known address is told so whatever else was typed: only its owner reads it."""
    owner = people.find_user_named(tx, application.email)
    if owner is not None:
        return Outcome("already_registered", username=owner.username, email=owner.email)
    if matched is None:
        return Outcome("no_match")
    party = people.find_party(tx, matched["party_id"])
    account_id, party_id = matched["account_id"], matched["party_id"]
    if party is not None and party.user_id is not None:
        return Outcome("already_registered", account_id=account_id)
    return Outcome(
        "verify", account_id=account_id, party_id=party_id, username=application.username
    )


def _store(
    tx: sa.Connection,
    application: Application,
    outcome: Outcome,
    *,
    registration_id: str,
    token: str,
    now: datetime,
) -> None:
    link_rows.add_registration(
        tx,
        id=registration_id,
        token_hash=tokens.fingerprint(token),
        party_id=outcome.party_id,
        account_id=outcome.account_id,
        email=application.email,
        email_key=canonical(application.email),
        username=application.username,
        password_hash=application.password_hash,
        terms_version=application.terms_version,
        created_at=now,
        expires_at=now + VERIFICATION_LINK,
    )


def _announce(tx: sa.Connection, user_id: str, asked: people.Row, *, now: datetime) -> None:
    party_id = asked.party_id
    account_ids = links.link_party(tx, party_id, user_id=user_id, now=now)
    registered = events.user_registered(
        user_id, party_id=party_id, account_ids=account_ids, now=now
    )
    outbox.add(tx, registered)
    verified = events.contact_verified(user_id, party_id=party_id, email=asked.email, now=now)
    outbox.add(tx, verified)
