"""Routes for who has forgotten a password or a user name."""

from __future__ import annotations

from typing import Any

from carport.auth import queries
from carport.auth.api import schemas
from carport.auth.api.asking import ACCEPTED, keys, means, new_hash
from carport.auth.commands import login, recovery
from carport.auth.domain.password_policy import WeakPassword
from carport.shared import telemetry
from carport.shared.web import Blueprint, access, current

blp = Blueprint("recovery", __name__, description="Forgotten password and user name")
log = telemetry.logger("carport.auth.recovery")


@blp.route("/v1/auth/password-resets", methods=["POST"])
@access("public", limit="20/hour")
@blp.arguments(schemas.EmailIn)
@blp.returns(202, schemas.Accepted)
def request_reset(asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for a link to set a new password. The answer is always this one."""
    with current().transaction() as tx:
        recovery.request_reset(tx, asked["email"], keys=keys(), now=current().clock())
    return ACCEPTED


@blp.route("/v1/auth/password-resets/confirmations", methods=["POST"])
@access("public", limit="60/hour")
@blp.arguments(schemas.ResetIn)
@blp.returns(204)
def reset_password(asked: dict[str, Any]) -> None:
    """Set a new password by the token of the link; every session ends, log in again.

    A password that is refused spends nothing: the link stays good.
    """
    with current().reading() as tx:
        candidate = queries.reset_candidate(tx, asked["token"], now=current().clock())
        names = queries.names_of(tx, candidate.user_id or "")
    password_hash = new_hash(asked["password"], names=names)
    if login.check(candidate, asked["password"]).is_right:
        raise WeakPassword("This is the password you have; choose another one.")
    with current().transaction() as tx:
        user_id = recovery.reset_password(
            tx, asked["token"], password_hash=password_hash, means=means()
        )
    log.info("password reset", user_id=user_id)


@blp.route("/v1/auth/username-reminders", methods=["POST"])
@access("public", limit="20/hour")
@blp.arguments(schemas.EmailIn)
@blp.returns(202, schemas.Accepted)
def remind_username(asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for your user name by mail. The answer is always this one."""
    with current().transaction() as tx:
        recovery.remind_username(tx, asked["email"], keys=keys(), now=current().clock())
    return ACCEPTED
