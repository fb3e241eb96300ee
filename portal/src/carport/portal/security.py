"""What protects every page: headers, form tokens, the origin of a POST, where a redirect may go."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request
from werkzeug.exceptions import HTTPException

from carport.portal.browser import browser

FORM_BYTES_MAX = 64 * 1024
FORM_PARTS_MAX = 100
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STRICT_TRANSPORT = "max-age=63072000; includeSubDomains"


def install(app: Flask, *, public_base_url: str) -> None:
    """Put all of it on *app*, for errors too."""
    app.config.update(MAX_CONTENT_LENGTH=FORM_BYTES_MAX, MAX_FORM_PARTS=FORM_PARTS_MAX)
    public = urlsplit(public_base_url)

    @app.before_request
    def name_the_request() -> None:
        sent = request.headers.get("X-Request-Id", "")
        g.request_id = sent if REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)

    @app.before_request
    def refuse_foreign_posts() -> None:
        if request.method in SAFE_METHODS:
            return
        given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
        expected = str(browser().data.get("csrf", ""))
        if not expected or not secrets.compare_digest(given.encode(), expected.encode()):
            abort(403, "csrf")
        if not _is_own_origin(public.netloc):
            abort(403, "csrf")

    @app.after_request
    def protect(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        answer.headers["X-Request-Id"] = g.get("request_id", "")
        if public.scheme == "https":
            answer.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        answer.headers.setdefault("Cache-Control", "no-store")
        return browser().save(answer) if "browser" in g else answer


def own_path(target: str | None) -> str | None:
    """*target* if it is a page of ours that may be gone to after signing in, else None.

    Only a path the portal serves by GET passes, spelled plainly: no scheme, host, backslash or
    control character, so nothing a browser could read as another site.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if not target.isascii() or not target.isprintable() or any(c in target for c in '\\ "<>'):
        return None
    url = urlsplit(target)
    if url.scheme or url.netloc:
        return None
    try:
        endpoint, _ = current_app.url_map.bind("").match(url.path, method="GET")
    except HTTPException:
        return None
    return target if not str(endpoint).startswith(("access.", "brand.")) else None


def _is_own_origin(public_netloc: str) -> bool:
    """Browsers send Origin with every POST; ``Sec-Fetch-Site`` where an extension removed it."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    return urlsplit(origin).netloc in {public_netloc, request.host}
