"""The gateway's own pages: /docs, /openapi.json and /status."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from carport.gateway.documents import Documents, Readiness
from carport.gateway.listing import members, operations
from carport.shared import errors
from carport.shared.errors import PROBLEM
from carport.shared.openapi import PROBLEM_SCHEMA

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def create_pages(documents: Documents, readiness: Readiness) -> Flask:
    """The Flask application behind the gateway's own addresses."""
    app = Flask(__name__, static_folder="static", static_url_path="/docs/static")
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.get("/docs")
    def docs() -> Response:
        document = documents.current()
        page = render_template(
            "docs.html",
            document=document,
            groups=operations(document),
            problem=members(PROBLEM_SCHEMA, document),
        )
        answer = Response(page, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = CSP
        return answer

    @app.get("/openapi.json")
    def openapi() -> dict[str, Any]:
        return documents.current()

    @app.get("/status")
    def status() -> dict[str, Any]:
        return readiness.current()

    app.register_error_handler(HTTPException, refuse)
    return app


def refuse(error: HTTPException) -> Response:
    """A wrong method or an unknown page."""
    request_id = request.headers.get("X-Request-Id", "")
    status = error.code or 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
    members = errors.body(status, code, error.description or "", request_id=request_id)
    answer = Response(content_type=PROBLEM, status=status)
    answer.set_data(json.dumps(members))
    answer.headers.update({k: v for k, v in error.get_headers() if k == "Allow"})
    return answer
