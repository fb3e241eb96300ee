"""The sandbox's clock. These routes do not exist in production."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from carport.accounts.api import answers, schemas
from carport.accounts.commands import day
from carport.shared.web import Blueprint, access, current

blp = Blueprint("clock", __name__, description="The sandbox's business date")


@blp.route("/v1/sandbox/clock", methods=["GET"])
@access("sandbox")
@blp.returns(200, answers.Clock)
def read_clock() -> dict[str, Any]:
    """Where the clock stands and where it is going."""
    with current().reading() as tx:
        return day.clock(tx)


@blp.route("/v1/sandbox/clock", methods=["PUT"])
@access("sandbox")
@blp.arguments(schemas.ClockIn)
@blp.returns(202, answers.Clock)
@blp.returns(200, answers.Clock)
def move_clock(asked: dict[str, Any]) -> Response:
    """Move the business date forward: every day on the way is closed. 202 while it moves."""
    with current().transaction() as tx:
        is_moving = day.move_clock(tx, asked["business_date"], asked["local_time"])
        answer = jsonify(day.clock(tx))
    answer.status_code = 202 if is_moving else 200
    return answer
