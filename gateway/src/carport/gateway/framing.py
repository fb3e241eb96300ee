"""What a request must look like before anybody looks into it: size, framing, path, headers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

from carport.shared.errors import Refused

Environ = dict[str, Any]
Headers = list[tuple[str, str]]

URI_BYTES_MAX = 8 * 1024
HEADER_BYTES_MAX = 16 * 1024
HEADERS_MAX = 200
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
FORBIDDEN_IN_PATH = re.compile(r"[\x00-\x1f\x7f\\]|//|/\.\.?(?:/|$)")
HIDDEN_IN_PATH = re.compile(r"(?i)%(?:2f|5c|00)")
"""Separators in disguise: an upstream might decode them once more."""
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
OURS = frozenset(
    {
        "baggage",
        "forwarded",
        "proxy",
        "x-client-cert",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-real-ip",
        "x-request-id",
        "x-rewrite-url",
    }
)
OUR_PREFIXES = ("x-forwarded-", "x-user-", "x-carport-")
"""Headers that a client may not speak for itself: dropped, and set anew where they are needed."""


def check(environ: Environ) -> str:
    """The decoded path of a well-formed request. Raises Refused."""
    check_size(environ)
    check_framing(environ)
    method = environ["REQUEST_METHOD"]
    if method in ("TRACE", "CONNECT"):
        allowed = {"Allow": ", ".join(METHODS)}
        detail = f"{method} is not spoken here."
        raise Refused("method_not_allowed", detail, status=405, headers=allowed)
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8") or "/"
    except UnicodeError:
        raise Refused("bad_path", "The path of this address is not UTF-8.") from None
    raw = str(environ.get("RAW_URI", "")).partition("?")[0]
    if FORBIDDEN_IN_PATH.search(path) or HIDDEN_IN_PATH.search(raw):
        raise Refused("not_found", "There is nothing at this address.", status=404)
    return path


def check_size(environ: Environ) -> None:
    """Raises Refused 414 or 431."""
    fallback = environ.get("PATH_INFO", "") + "?" + environ.get("QUERY_STRING", "")
    if len(environ.get("RAW_URI") or environ.get("REQUEST_URI") or fallback) > URI_BYTES_MAX:
        detail = f"The address is longer than {URI_BYTES_MAX} bytes. Send long input in a body."
        raise Refused("uri_too_long", detail, status=414)
    sizes = [len(name) + len(value) for name, value in request_headers(environ)]
    if len(sizes) > HEADERS_MAX or sum(sizes) > HEADER_BYTES_MAX:
        detail = f"At most {HEADERS_MAX} headers and {HEADER_BYTES_MAX} bytes of them."
        raise Refused("headers_too_large", detail, status=431)


def check_framing(environ: Environ) -> None:
    """Raises Refused for a message whose end could be read in two ways."""
    length = environ.get("CONTENT_LENGTH")
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is not None and (length or coding.strip().lower() != "chunked"):
        raise bad_framing("Send either Content-Length or Transfer-Encoding: chunked, not both.")
    if length and not DIGITS.fullmatch(length):
        raise bad_framing("Content-Length must be one number.")
    for name, value in request_headers(environ):
        if "\r" in value or "\n" in value or "\x00" in value:
            raise bad_framing(f"The header {name} holds a line break.")


def bad_framing(detail: str) -> Refused:
    """400, after which the connection is closed."""
    return Refused("bad_framing", detail, headers={"Connection": "close"})


def request_headers(environ: Environ) -> Iterable[tuple[str, str]]:
    """The request's headers with lower-case names, Content-Type and -Length left out."""
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-").lower(), value


def is_forwarded(name: str, connection: str) -> bool:
    """Whether a client's header *name* (lower case) goes on to an upstream."""
    named = {each.strip().lower() for each in connection.split(",")}
    if name in HOP_BY_HOP or name in named:
        return False
    return name not in OURS and not name.startswith(OUR_PREFIXES)


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """An upstream's *headers* without those of its own connection."""
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]


def read_body(environ: Environ, limit: int) -> bytes:
    """The whole body. Raises Refused 413 over *limit*, 408 when it does not come, 400 when cut."""
    length = environ.get("CONTENT_LENGTH")
    announced = int(length) if length else 0
    if announced > limit:
        raise too_large(limit)
    if not announced and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    try:
        body: bytes = environ["wsgi.input"].read(announced or limit + 1)
    except TimeoutError:
        detail = "The body did not arrive in time. Nothing was changed; send it again."
        raise Refused(
            "request_timeout", detail, status=408, headers={"Connection": "close"}
        ) from None
    if len(body) > limit:
        raise too_large(limit)
    if len(body) < announced:
        raise bad_framing("The body is shorter than its Content-Length.")
    return body


def too_large(limit: int) -> Refused:
    """413."""
    return Refused(
        "payload_too_large",
        f"The body may have at most {limit} bytes here.",
        status=413,
        headers={"Connection": "close"},
    )


def inner_environ(environ: Environ, *, body: bytes, request_id: str, client: str) -> Environ:
    """What an upstream gets: the client's request without what only we may say, plus that."""
    connection = environ.get("HTTP_CONNECTION", "")
    kept = {
        key: value
        for key, value in environ.items()
        if not key.startswith("HTTP_")
        or is_forwarded(key[5:].replace("_", "-").lower(), connection)
    }
    return {
        **kept,
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "REMOTE_ADDR": client,
        "HTTP_X_REQUEST_ID": request_id,
        "HTTP_X_FORWARDED_FOR": client,
        "HTTP_X_FORWARDED_PROTO": environ.get("wsgi.url_scheme", "http"),
        "HTTP_X_FORWARDED_HOST": environ.get("HTTP_HOST", ""),
    }
