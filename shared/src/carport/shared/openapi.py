"""What the OpenAPI document says about every operation beside its schemas."""

from __future__ import annotations

from copy import deepcopy
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask_smorest import Api

from carport.shared.errors import PROBLEM

if TYPE_CHECKING:
    from flask import Flask

    from carport.shared.access import Access

ALWAYS = (400, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 503)
WITH_TOKEN = (401, 403)
WITH_ETAG = (412, 428)
TEXT = {"type": "string"}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:carport:problem:"},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**TEXT, "description": "What is wrong, where, and what to do."},
        "instance": TEXT,
        "code": {**TEXT, "description": "Stable; decide by this."},
        "request_id": {**TEXT, "description": "Quote it to customer service."},
        "money_moved": {
            "type": "string",
            "enum": ["no", "yes", "unknown"],
            "description": "On calls that may move money.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code"],
                "properties": {
                    "pointer": {**TEXT, "description": "JSON pointer into the body."},
                    "parameter": {**TEXT, "description": "Name of the query parameter."},
                    "code": TEXT,
                    "detail": TEXT,
                },
            },
        },
    },
}
KEY_PARAMETER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-+\\--~]+$"},
    "description": "New for each new request; the same for a retry, which gets the first answer.",
}


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest with our errors: its own error schema and handler are not used."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None:
        self.spec.components.schema("Problem", PROBLEM_SCHEMA)
        self.spec.components.security_scheme(
            "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        )
        schema = {"$ref": "#/components/schemas/Problem"}
        for status in (*ALWAYS, *WITH_TOKEN, *WITH_ETAG):
            phrase = HTTPStatus(status).phrase
            self.spec.components.response(
                component_of(status),
                {"description": phrase, "content": {PROBLEM: {"schema": schema}}},
            )

    def _register_error_handlers(self) -> None:
        """The web module answers errors."""


def component_of(status: int) -> str:
    """flask-smorest's name of the response component of *status*."""
    return HTTPStatus(status).name


def demands(documented: dict[str, Any], access: Access) -> dict[str, Any]:
    """The documentation of a view, with what *access* demands of a request."""
    doc = deepcopy(documented)
    statuses = (*ALWAYS, *WITH_ETAG, *(WITH_TOKEN if access.needs_token else ()))
    answers = doc.setdefault("response", {}).setdefault("responses", {})
    for status in statuses:
        answers.setdefault(status, [component_of(status)])
    manual = doc.setdefault("manual_doc", {})
    manual["security"] = [{"bearer": []}] if access.needs_token else []
    manual["x-carport-access"] = access.who if isinstance(access.who, str) else list(access.who)
    if access.idempotent:
        parameters = doc.setdefault("arguments", {}).setdefault("parameters", [])
        parameters.append(KEY_PARAMETER)
    return doc


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of *app*."""
    api: DocumentedApi = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    loaded: dict[str, Any] = api.spec.to_dict()
    return loaded
