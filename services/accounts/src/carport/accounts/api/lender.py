"""Who the lender is, for everybody."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from carport.accounts.api import answers
from carport.shared import lender
from carport.shared.web import Blueprint, access, current

blp = Blueprint("lender", __name__, description="The lender")


@lru_cache(maxsize=4)
def profile(path: Path | None) -> dict[str, Any]:
    """The public part of the profile at *path*; a lender who changes it restarts the service."""
    own = lender.load(path)
    names = ("name", "phone", "email", "time_zone", "currency", "grace_days", "late_fee", "cards",
             "chat_hours")  # fmt: skip
    return {
        **{name: getattr(own, name) for name in names},
        "hours": list(own.hours),
        "cut_off": own.cut_off.isoformat("minutes"),
        "languages": list(own.languages),
        "colours": dict(own.colours),
        "addresses": [{**vars(each), "lines": list(each.lines)} for each in own.addresses],
    }


@blp.route("/v1/lender", methods=["GET"])
@access("public")
@blp.returns(200, answers.Lender)
def read_lender() -> dict[str, Any]:
    """Name, phone, hours, cut-off, where to send what, which cards are taken."""
    return profile(current().settings.lender_file)
