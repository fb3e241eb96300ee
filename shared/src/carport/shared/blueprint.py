"""Groups of routes: arguments parsed strictly, answers documented and returned as they are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import flask_smorest
from flask import Request, Response, make_response
from marshmallow import Schema as MarshmallowSchema
from marshmallow import ValidationError
from webargs.flaskparser import FlaskParser

from carport.shared import failpoints
from carport.shared.access import raw_body
from carport.shared.body import parse
from carport.shared.errors import Refused
from carport.shared.schemas import refusal


class Parser(FlaskParser):
    """webargs with our body parser and our errors; schemas decide about unknown members."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": None, "json": None}  # noqa: RUF012 - webargs' interface

    def load_json(self, req: Request, schema: MarshmallowSchema) -> Any:
        """The strictly parsed body."""
        body = parse(raw_body())
        failpoints.hit("request.after_read")
        return body

    def load_querystring(self, req: Request, schema: MarshmallowSchema) -> Any:
        """The query parameters, each at most once."""
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            detail = f"Query parameter {repeated[0]!r} is given more than once."
            raise Refused("invalid_parameter", detail)
        return req.args.to_dict()

    def handle_error(self, error: ValidationError, req: Any, schema: Any, **_: Any) -> Any:
        """A problem instead of webargs' abort."""
        is_query = not isinstance(error.messages, list) and "query" in error.messages
        location = "query" if is_query else "json"
        nested = cast(dict[str, Any], error.messages)
        raise refusal(ValidationError(nested.get(location, nested)), location) from error


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A group of routes. ``arguments`` parses strictly; ``returns`` documents an answer."""

    ARGUMENTS_PARSER = Parser()

    def returns(
        self, status: int, schema: Any = None, **more: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """The view answers *status* with the dictionary it returns; *schema* only documents it."""

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def answering(*values: Any, **arguments: Any) -> Any:
                result = view(*values, **arguments)
                if isinstance(result, Response):
                    return result
                return make_response("" if result is None else result, status)

            document = self.alt_response(status, schema=schema, success=True, **more)
            return cast(Callable[..., Any], document(answering))

        return decorate
