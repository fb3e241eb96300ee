"""The inbox: messages of the lender, each with the reason it was sent."""

from __future__ import annotations

from flask import Blueprint, request

from carport.portal.browser import browser
from carport.portal.pages import Page, get, go, parts, post, render, signed_in_only

PAGE = 25

blueprint = signed_in_only(Blueprint("messages", __name__))


@blueprint.get("/messages")
def inbox() -> Page:
    found = get("/v1/messages", limit=PAGE, cursor=request.args.get("cursor"))
    return render("messages/inbox.html", messages=found)


@blueprint.get("/messages/<id:message_id>")
def message(message_id: str) -> Page:
    """Reading changes nothing: the page has a button that marks the message as read."""
    return render("messages/message.html", message=get(f"/v1/messages/{message_id}"))


@blueprint.post("/messages/<id:message_id>/read")
def mark_read(message_id: str) -> Page:
    post(f"/v1/messages/{message_id}/read", {})
    parts().unread.forget(browser().key)
    return go("messages.inbox", notice="message_read")
