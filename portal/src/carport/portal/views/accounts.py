"""The accounts: all at a glance, each in detail, its history and its schedule."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from carport.portal import charts
from carport.portal.pages import Page, accounts, get, optional, render, signed_in_only

HISTORY_PAGE = 25
HISTORY_FIRST = 10
RECENT_PAYMENTS = 20
UNDERWAY = {"scheduled", "processing", "accepted", "unknown"}

blueprint = signed_in_only(Blueprint("accounts", __name__))


@blueprint.get("/dashboard")
def dashboard() -> Page:
    return render(
        "accounts/dashboard.html",
        accounts=accounts(),
        underway=_underway(),
        person=optional("/v1/customers/me"),
    )


@blueprint.get("/accounts/<id:account_id>")
def account(account_id: str) -> Page:
    """Everything about one account; a part that cannot be had is missing, the rest stands."""
    found = get(f"/v1/accounts/{account_id}")
    schedule = optional(f"/v1/accounts/{account_id}/schedule")
    return render(
        "accounts/account.html",
        account=found,
        accounts=accounts(),
        history=optional(f"/v1/accounts/{account_id}/transactions", limit=HISTORY_FIRST),
        chart=charts.paid_down(schedule["current"]) if schedule else None,
        underway=[p for p in _underway() if p["account_id"] == account_id],
    )


@blueprint.get("/accounts/<id:account_id>/history")
def history(account_id: str) -> Page:
    return render(
        "accounts/history.html",
        account=get(f"/v1/accounts/{account_id}"),
        history=get(
            f"/v1/accounts/{account_id}/transactions",
            limit=HISTORY_PAGE,
            cursor=request.args.get("cursor"),
        ),
        is_first=not request.args.get("cursor"),
    )


@blueprint.get("/accounts/<id:account_id>/schedule")
def schedule(account_id: str) -> Page:
    found = get(f"/v1/accounts/{account_id}/schedule")
    return render(
        "accounts/schedule.html",
        account=get(f"/v1/accounts/{account_id}"),
        schedule=found,
        chart=charts.paid_down(found["current"]),
    )


def _underway() -> list[dict[str, Any]]:
    """Payments given that are not in the ledger yet; none when payments does not answer."""
    found = optional("/v1/payments", limit=RECENT_PAYMENTS)
    return [p for p in found["data"] if p["state"] in UNDERWAY] if found else []
