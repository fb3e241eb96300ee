"""Routes of the caller's own sessions."""

from __future__ import annotations

from typing import Any

from carport.auth import queries
from carport.auth.api import schemas
from carport.auth.api.asking import means
from carport.auth.commands import sessions
from carport.shared.web import Blueprint, access, current, principal

blp = Blueprint("sessions", __name__, description="Where you are logged in")


@blp.route("/v1/auth/sessions", methods=["GET"])
@access("user")
@blp.returns(200, schemas.Sessions)
def list_sessions() -> dict[str, Any]:
    """Your live sessions, the last used first."""
    caller = principal()
    with current().reading() as tx:
        data = queries.own_sessions(tx, caller.sub, current=caller.sid, now=current().clock())
    return {"data": data, "next_cursor": None}


@blp.route("/v1/auth/sessions", methods=["DELETE"])
@access("user")
@blp.returns(204)
def end_other_sessions() -> None:
    """Log out everywhere else."""
    caller = principal()
    with current().transaction() as tx:
        sessions.end_all(tx, caller.sub, reason="ended_by_user", means=means(), but=caller.sid)


@blp.route("/v1/auth/sessions/current", methods=["DELETE"])
@access("user")
@blp.returns(204)
def log_out() -> None:
    """Log out: no token of this session works any more."""
    end(principal().sid, reason="logout")


@blp.route("/v1/auth/sessions/<id>", methods=["DELETE"])
@access("user")
@blp.returns(204)
def end_session(id: str) -> None:
    """Log out one of your sessions."""
    end(id, reason="ended_by_user")


def end(session_id: str, *, reason: str) -> None:
    """End a session of the caller. Raises NotFound."""
    with current().transaction() as tx:
        sessions.end_one(tx, session_id, user_id=principal().sub, reason=reason, means=means())
