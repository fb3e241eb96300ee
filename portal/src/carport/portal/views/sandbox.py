"""Only in the sandbox: the mails, texts and letters that were "sent", and who can log in."""

from __future__ import annotations

from flask import Blueprint, request

from carport.portal.browser import browser
from carport.portal.pages import Page, render

LETTERS_MAX = 50

blueprint = Blueprint("sandbox", __name__, url_prefix="/sandbox")


@blueprint.get("/mailbox")
def mailbox() -> Page:
    to = request.args.get("to") or None
    found = browser().public("GET", "/v1/sandbox/mailbox", params={"to": to, "limit": LETTERS_MAX})
    return render("sandbox/mailbox.html", letters=found.data["data"], to=to)


@blueprint.get("/people")
def people() -> Page:
    return render("sandbox/people.html", demo=browser().public("GET", "/v1/sandbox/demo").data)
