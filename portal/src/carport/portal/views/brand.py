"""The lender's colours, the icon and the manifest that lets a phone install the portal."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from carport.portal import brand
from carport.portal.pages import lender

BRIEFLY = "public, max-age=300"

blueprint = Blueprint("brand", __name__)


@blueprint.get("/brand.css")
def stylesheet() -> Response:
    css = brand.stylesheet(lender()["colours"])
    return _brief(Response(css, content_type="text/css; charset=utf-8"))


@blueprint.get("/icon.svg")
def icon() -> Response:
    primary = lender()["colours"].get("primary")
    svg = render_template("icon.svg", background=brand.valid(primary, brand.PRIMARY))
    return _brief(Response(svg, content_type="image/svg+xml"))


@blueprint.get("/favicon.ico")
def favicon() -> BaseResponse:
    return redirect(url_for("brand.icon"), 301)


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    colour = brand.valid(lender()["colours"].get("primary"), brand.PRIMARY)
    answer = jsonify(
        name=lender()["name"],
        short_name=lender()["name"],
        start_url="/dashboard",
        scope="/",
        display="standalone",
        background_color=brand.PAPER,
        theme_color=colour,
        icons=[{"src": "/icon.svg", "type": "image/svg+xml", "sizes": "any"}],
    )
    answer.content_type = "application/manifest+json"
    return _brief(answer)


def _brief(answer: Response) -> Response:
    answer.headers["Cache-Control"] = BRIEFLY
    return answer
