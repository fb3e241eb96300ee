"""The portal's own CSS and JavaScript, served under the hash of their content, cached for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from flask import Blueprint, Response, abort, current_app

SHEETS = ("tokens", "base", "layout", "forms", "components", "account", "print")
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FOR_GOOD = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=300"
VERSION_LENGTH = 16

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True)
class Assets:
    """Every file by its path, and the version that changes when any of them does."""

    files: dict[str, bytes]
    version: str

    @classmethod
    def load(cls) -> Assets:
        """Reads the packaged folder; the sheets become one file so that a page asks once."""
        root = files("carport.portal") / "static"
        found = {
            f"{folder}/{item.name}": item.read_bytes()
            for folder in ("js",)
            for item in (root / folder).iterdir()
            if item.is_file()
        }
        found["portal.css"] = b"".join(
            (root / "css" / f"{name}.css").read_bytes() for name in SHEETS
        )
        digest = hashlib.sha256()
        for path in sorted(found):
            digest.update(path.encode() + b"\0" + found[path])
        return cls(found, digest.hexdigest()[:VERSION_LENGTH])


@blueprint.get("/assets/<version>/<path:path>")
def asset(version: str, path: str) -> Response:
    """A file; under an older version the present one, briefly cached."""
    assets: Assets = current_app.extensions["portal"].assets
    content = assets.files.get(path)
    if content is None:
        abort(404)
    answer = Response(content, content_type=TYPES[path.rsplit(".", 1)[-1]])
    answer.headers["Cache-Control"] = FOR_GOOD if version == assets.version else BRIEFLY
    return answer
