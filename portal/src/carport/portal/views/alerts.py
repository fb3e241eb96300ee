"""Which notices come by which channel, how far ahead reminders come, and when to be quiet."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import Page, field, go, render, signed_in_only

PREFERENCES = "/v1/alerts/preferences"
CHANNELS = ("email", "text")
DAYS_AHEAD = (14, 10, 7, 5, 3, 1, 0)

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
        return _page(wanted, now.etag, problem)
    return go("alerts.preferences", notice="alerts_saved")


def _page(shown: dict[str, Any], etag: str | None, problem: Problem | None = None) -> Page:
    return render(
        "settings/alerts.html", problem, preferences=shown, etag=etag, days_offered=DAYS_AHEAD
    )


def _from_form(now: dict[str, Any]) -> dict[str, Any]:
    events = [
        {
            **event,
            "channels": {
                **event["channels"],
                **{
                    channel: f"{event['event']}.{channel}" in request.form
                    for channel in CHANNELS
                    if channel in event["channels"] and not event["required"]
                },
            },
        }
        for event in now["events"]
    ]
    days = [day for day in DAYS_AHEAD if f"days.{day}" in request.form]
    quiet = {"from": field("quiet_from", limit=5), "to": field("quiet_to", limit=5)}
    return {**now, "events": events, "days_ahead": days, "quiet_hours": quiet}
