"""Which notices come by which channel, and how far ahead reminders come."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import Page, field, go, render, signed_in_only

PREFERENCES = "/v1/alerts/preferences"
CHANNELS = ("email",)
"""What can be switched. Everything is in the inbox; texts are not offered by the API yet."""
DAYS_AHEAD = (10, 3, 0)

blueprint = signed_in_only(Blueprint("alerts", __name__))


@blueprint.get("/alerts")
def preferences() -> Page:
    answer = browser().call("GET", PREFERENCES)
    return _page(answer.data, answer.etag)


@blueprint.post("/alerts")
def save() -> Page:
    """Changes what was shown; a change made elsewhere meanwhile is not overwritten."""
    now = browser().call("GET", PREFERENCES)
    wanted = _from_form(now.data)
    try:
        browser().call(
            "PUT", PREFERENCES, body=wanted, headers={"If-Match": field("etag", limit=200)}
        )
    except Problem as problem:
        return _page(now.data, now.etag, problem)
    return go("alerts.preferences", notice="alerts_saved")


def _page(shown: dict[str, Any], etag: str | None, problem: Problem | None = None) -> Page:
    return render(
        "settings/alerts.html", problem, preferences=shown, etag=etag, days_offered=DAYS_AHEAD
    )


def _from_form(now: dict[str, Any]) -> dict[str, Any]:
    """The preferences to send: the form's choices on top of what is set *now*."""
    days = [day for day in DAYS_AHEAD if f"days.{day}" in request.form]
    events = [_chosen(event) for event in now["events"]]
    return {"events": events, "days_ahead": days, "quiet_hours": now["quiet_hours"]}


def _chosen(event: dict[str, Any]) -> dict[str, Any]:
    channels = dict(event["channels"])
    if not event["required"]:
        channels |= {name: f"{event['event']}.{name}" in request.form for name in CHANNELS}
    return {"event": event["event"], "channels": channels}
