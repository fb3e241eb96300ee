"""Routes of the sandbox: the credentials of the demo, and staff users for tests."""

from __future__ import annotations

from typing import Any

from carport.auth import passwords, queries
from carport.auth.api import schemas
from carport.auth.api.asking import means
from carport.auth.commands import staff
from carport.auth.repo import demo
from carport.shared.web import Blueprint, access, current

blp = Blueprint("sandbox", __name__, description="Sandbox only")
DEMO_BYTES_MAX = 256 * 1024


@blp.route("/v1/sandbox/demo", methods=["GET"])
@access("sandbox")
@blp.returns(200, schemas.DemoDirectory)
def show_demo() -> dict[str, Any]:
    """Who can log in to the demo, with passwords."""
    with current().reading() as tx:
        return queries.demo_directory(tx)


@blp.route("/v1/sandbox/demo", methods=["PUT"])
@access("sandbox", body_limit=DEMO_BYTES_MAX)
@blp.arguments(schemas.DemoDirectory)
@blp.returns(204)
def store_demo(asked: dict[str, Any]) -> None:
    """Say who can log in to the demo (the demo's loader does)."""
    entries = [("customer", entry) for entry in asked["customers"]]
    entries += [("staff", entry) for entry in asked["staff"]]
    with current().transaction() as tx:
        demo.replace(tx, entries)


@blp.route("/v1/sandbox/staff", methods=["POST"])
@access("sandbox", limit="600/minute")
@blp.arguments(schemas.StaffIn)
@blp.returns(201, schemas.StaffUser)
def put_staff(asked: dict[str, Any]) -> dict[str, Any]:
    """Make a staff user, or give an existing one this password and these scopes."""
    password_hash = passwords.hashed(asked["password"])
    with current().transaction() as tx:
        user_id = staff.put(
            tx,
            asked["user_id"],
            password_hash=password_hash,
            scopes=asked["scopes"],
            means=means(),
        )
    return {
        "id": user_id,
        "user_id": asked["user_id"],
        "scopes": staff.in_order(asked["scopes"]),
    }
