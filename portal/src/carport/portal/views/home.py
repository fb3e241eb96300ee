"""Pages for everybody: what this is, how to reach the lender, the terms, which parts work."""

from __future__ import annotations

from flask import Blueprint, Response

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import Page, go, lender, render

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def index() -> Page:
    return go("accounts.dashboard") if browser().is_signed_in else render("home.html")


@blueprint.get("/help")
def help_page() -> Page:
    """Phone, hours and addresses, grouped the way a cheque is addressed."""
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for address in lender()["addresses"]:
        groups.setdefault((address["product"], address["purpose"]), []).append(address)
    return render("help.html", groups=groups)


@blueprint.get("/terms")
def terms() -> Page:
    return render("terms.html", terms=browser().public("GET", "/v1/auth/terms").data)


@blueprint.get("/service-status")
def service_status() -> Page:
    """Which parts answer. When not even the status does, that is the answer."""
    try:
        status = browser().public("GET", "/status").data
    except Problem as problem:
        if not problem.is_outage:
            raise
        status = {"status": "down", "services": {}, **problem.more}
    return render("service_status.html", status=status)


@blueprint.get("/healthz")
def alive() -> Response:
    return Response("ok\n", content_type="text/plain; charset=utf-8")
