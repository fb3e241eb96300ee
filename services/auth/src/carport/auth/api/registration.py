"""Routes of registration: terms, the request, the mailed link, further contracts."""

from __future__ import annotations

from typing import Any

from carport.auth.api import schemas
from carport.auth.api.asking import ACCEPTED, keys, new_hash
from carport.auth.commands import profile, registration
from carport.auth.commands.registration import Application, Proof
from carport.auth.domain import terms
from carport.auth.domain.names import parse_email, parse_username
from carport.auth.domain.refusals import NoMatch, TermsOutdated
from carport.shared import telemetry
from carport.shared.web import Blueprint, access, current, principal

blp = Blueprint("registration", __name__, description="Registering and linking contracts")
log = telemetry.logger("carport.auth.registration")


@blp.route("/v1/auth/terms", methods=["GET"])
@access("public")
@blp.returns(200, schemas.Terms)
def show_terms() -> dict[str, Any]:
    """The current terms of use and e-sign disclosure."""
    return terms.current()


@blp.route("/v1/auth/registrations", methods=["POST"])
@access("public", limit="20/hour")
@blp.arguments(schemas.RegistrationIn)
@blp.returns(202, schemas.Accepted)
def register(asked: dict[str, Any]) -> dict[str, Any]:
    """Ask to register. The answer is always this one; the outcome is mailed to the address."""
    if asked["terms_version"] != terms.current()["version"]:
        raise TermsOutdated(terms.current()["version"])
    email = parse_email(asked["email"])
    username = parse_username(asked["username"]) if "username" in asked else None
    password_hash = new_hash(asked["password"], names=[email, *([username] if username else [])])
    application = Application(
        proof=proof_of(asked),
        email=email,
        username=username,
        password_hash=password_hash,
        terms_version=asked["terms_version"],
    )
    with current().transaction() as tx:
        outcome = registration.request(tx, application, keys=keys(), now=current().clock())
    log.info("registration requested", outcome=outcome)
    return ACCEPTED


@blp.route("/v1/auth/email-verifications", methods=["POST"])
@access("public", limit="60/hour")
@blp.arguments(schemas.VerificationIn)
@blp.returns(204)
def verify_email(asked: dict[str, Any]) -> None:
    """Complete a registration by the token of its link. A refused user name spends nothing."""
    username = parse_username(asked["username"]) if "username" in asked else None
    with current().transaction() as tx:
        now = current().clock()
        user_id = registration.verify(tx, asked["token"], username=username, now=now)
    log.info("user registered", user_id=user_id)


@blp.route("/v1/auth/account-links", methods=["POST"])
@access("customer", limit="20/hour")
@blp.arguments(schemas.ProofIn)
@blp.returns(201, schemas.Link)
def link_account(asked: dict[str, Any]) -> dict[str, Any]:
    """Link another contract of the same person; it is in the next access token."""
    with current().transaction() as tx:
        linked = profile.link_account(
            tx, principal().sub, proof_of(asked), keys=keys(), now=current().clock()
        )
    log.info("account link asked for", user_id=principal().sub, linked=linked is not None)
    if linked is None:
        raise NoMatch
    return linked


def proof_of(asked: dict[str, Any]) -> Proof:
    """The proof in a request."""
    return Proof(
        account_number=asked["account_number"],
        last_name=asked["last_name"],
        zip_code=asked["zip"],
        ssn_last4=asked["ssn_last4"],
    )
