"""Routes that hand out tokens, and the keys to check them with."""

from __future__ import annotations

from typing import Any

from carport.auth import queries
from carport.auth import tokens as token_rules
from carport.auth.api import schemas
from carport.auth.api.asking import answer, attempt, client, means, refused
from carport.auth.commands import login, sessions
from carport.shared import failpoints, telemetry
from carport.shared.errors import Unauthenticated
from carport.shared.web import Blueprint, access, current, principal

blp = Blueprint("tokens", __name__, description="Logging in")
log = telemetry.logger("carport.auth.tokens")
DEVICE = {
    "in": "header",
    "name": "X-Device",
    "schema": {"type": "string"},
    "description": "A secret of this device, the same at every login and refresh: a device that has"
    " logged in before is not delayed by strangers' wrong passwords.",
}


@blp.route("/v1/auth/tokens", methods=["POST"])
@access("public", limit="60/minute")
@blp.arguments(schemas.TokensIn)
@blp.alt_response(401, "UNAUTHORIZED")
@blp.alt_response(403, "FORBIDDEN")
@blp.doc(parameters=[DEVICE])
@blp.returns(200, schemas.Tokens)
def issue_tokens(asked: dict[str, Any]) -> dict[str, Any]:
    """Log in, or go on with a refresh token.

    Credentials that open nothing are answered alike, whatever is wrong with them.
    """
    if asked["grant"] == "refresh":
        return refresh(asked)
    return log_in(asked)


def log_in(asked: dict[str, Any]) -> dict[str, Any]:
    """Tokens of a new session. Raises Unauthenticated, StaffNeedMfa."""
    with current().reading() as tx:
        candidate = queries.candidate_named(tx, asked["user_id"])
    tried = login.check(candidate, asked["password"])
    with current().transaction() as tx:
        issued = login.log_in(
            tx,
            tried,
            client=client(asked["client_id"]),
            means=means(),
            staff_need_mfa=not current().settings.is_sandbox,
        )
    log.info("login", user_id=candidate.user_id, succeeded=issued is not None)
    if issued is None:
        raise refused()
    return answer(issued)


def refresh(asked: dict[str, Any]) -> dict[str, Any]:
    """Tokens that follow a refresh token. Raises Unauthenticated."""
    with current().transaction() as tx:
        issued = sessions.refresh(
            tx, asked["refresh_token"], client=client(asked["client_id"]), means=means()
        )
    if issued is None:
        raise Unauthenticated("invalid_grant", "This refresh token is not valid; log in again.")
    failpoints.hit("auth.after_rotation")
    return answer(issued)


@blp.route("/v1/auth/me/step-up", methods=["POST"])
@access("user", limit="20/minute")
@blp.arguments(schemas.PasswordIn)
@blp.returns(200, schemas.Tokens)
def step_up(asked: dict[str, Any]) -> dict[str, Any]:
    """Give the password again; the fresh tokens of this session may make risky changes."""
    tried = attempt(asked["password"])
    with current().transaction() as tx:
        issued = login.step_up(tx, principal().sid, attempt=tried, means=means())
    log.info("step-up", user_id=principal().sub, succeeded=issued is not None)
    if issued is None:
        raise refused()
    return answer(issued)


@blp.route("/.well-known/jwks.json", methods=["GET"])
@access("public")
@blp.returns(200, schemas.JwkSet)
def show_keys() -> dict[str, Any]:
    """The public keys of access tokens."""
    return token_rules.jwks(current().settings.keys)
