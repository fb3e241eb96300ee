"""Routes of the caller's profile."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from carport.auth import queries
from carport.auth.api import schemas
from carport.auth.api.asking import attempt, means, new_hash, refused
from carport.auth.commands import login, profile
from carport.auth.domain.names import parse_username
from carport.shared.errors import Unauthenticated
from carport.shared.web import Blueprint, access, current, etag, principal, require_match

blp = Blueprint("me", __name__, description="Your profile")


@blp.route("/v1/auth/me", methods=["GET"])
@access("user")
@blp.returns(200, schemas.Me)
def show_me() -> dict[str, Any]:
    """Who you are. The ETag is that of the user name."""
    with current().reading() as tx:
        return profile_answer(tx)


@blp.route("/v1/auth/me", methods=["PATCH"])
@access("user", step_up=True, limit="20/hour")
@blp.arguments(schemas.UsernameIn)
@blp.returns(200, schemas.Me)
def change_me(asked: dict[str, Any]) -> dict[str, Any]:
    """Choose another user name; needs the ETag and a fresh password."""
    username = parse_username(asked["username"])
    with current().transaction() as tx:
        user = profile.own_user(tx, principal().sub)
        require_match(user.username)
        profile.change_username(tx, user, username=username)
        return profile_answer(tx)


@blp.route("/v1/auth/me/password", methods=["PUT"])
@access("user", limit="20/hour")
@blp.arguments(schemas.NewPasswordIn)
@blp.returns(204)
def change_password(asked: dict[str, Any]) -> None:
    """Choose another password; every other session ends. Give the present one, or step up."""
    caller = principal()
    with current().reading() as tx:
        names = queries.names_of(tx, caller.sub)
    prove_owner(asked.get("current_password"))
    password_hash = new_hash(asked["password"], names=names)
    with current().transaction() as tx:
        profile.change_password(
            tx, caller.sub, session_id=caller.sid, password_hash=password_hash, means=means()
        )


def prove_owner(password: str | None) -> None:
    """Raises Unauthenticated unless *password* is right, or one was given a moment ago."""
    if password is None:
        if not principal().is_fresh(current().clock()):
            detail = "Send current_password, or confirm it (POST /v1/auth/me/step-up) first."
            raise Unauthenticated("step_up_required", detail)
        return
    tried = attempt(password)
    with current().transaction() as tx:
        confirmed = login.confirm(tx, tried, means=means())
    if not confirmed:
        raise refused()


def profile_answer(tx: Connection) -> dict[str, Any]:
    """The caller's profile, with its entity tag."""
    caller = principal()
    me = queries.me(tx, caller.sub, session_id=caller.sid, now=current().clock())
    etag(me["username"])
    return me
