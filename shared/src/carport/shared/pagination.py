"""Keyset paging: a cursor names the last row seen, signed for one endpoint and one owner."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from carport.shared.errors import Refused
from carport.shared.schemas import QueryIntField, Schema, TextField

LIMIT_MAX = 100
LIMIT_DEFAULT = 25
CURSOR_LENGTH_MAX = 1024
SIGNATURE_BYTES = 16

signing: ContextVar[tuple[bytes, str]] = ContextVar("carport_cursor")
"""The service's cursor key and the endpoint of this request; the web edge sets it."""


class PageArgs(Schema):
    """``?limit=&cursor=``; use with ``location="query"``, extend for filters."""

    limit = QueryIntField(min=1, max=LIMIT_MAX, load_default=LIMIT_DEFAULT)
    cursor = TextField(max=CURSOR_LENGTH_MAX, load_default=None, code="invalid_cursor")


def page(
    tx: sa.Connection,
    query: sa.Select[Any],
    *,
    keys: Sequence[sa.ColumnElement[Any]],
    limit: int,
    cursor: str | None,
    scope: str,
) -> dict[str, Any]:
    """``{"data": rows as dictionaries, "next_cursor"}``, newest first.

    *keys* are columns of *query* that together are unique, largest first; *scope* is whose list it
    is, so that another's cursor is refused. Raises Refused for a cursor that is not ours.
    """
    if cursor:
        last = [
            sa.literal(value, key.type)
            for value, key in zip(opened(cursor, scope, keys), keys, strict=True)
        ]
        query = query.where(sa.tuple_(*keys) < sa.tuple_(*last))
    rows = tx.execute(query.order_by(*(key.desc() for key in keys)).limit(limit + 1)).all()
    shown = [dict(row._mapping) for row in rows[:limit]]
    has_more = len(rows) > limit
    names = [getattr(key, "name", "") for key in keys]
    following = sealed([shown[-1][name] for name in names], scope) if has_more else None
    return {"data": shown, "next_cursor": following}


def sealed(values: list[Any], scope: str) -> str:
    """A cursor for the row with these key *values*."""
    texts = [v.isoformat() if isinstance(v, date | datetime) else v for v in values]
    content = json.dumps(texts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(signature(content, scope) + content).rstrip(b"=").decode()


def opened(cursor: str, scope: str, keys: Sequence[sa.ColumnElement[Any]]) -> list[Any]:
    """The key values in *cursor*. Raises Refused for one that was edited or made elsewhere."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        content = raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(raw[:SIGNATURE_BYTES], signature(content, scope)):
            raise ValueError("not signed by us")
        values = json.loads(content)
        return [native(value, key) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError):
        detail = "This cursor belongs to no list of yours. Start again without one."
        raise Refused("invalid_cursor", detail) from None


def native(value: Any, key: sa.ColumnElement[Any]) -> Any:
    """A cursor's value in the Python type of its column."""
    kind = key.type.python_type
    return kind.fromisoformat(value) if issubclass(kind, date) else value


def signature(content: bytes, scope: str) -> bytes:
    """Over the content, the endpoint and whose list it is."""
    key, endpoint = signing.get()
    text = b"\x00".join((endpoint.encode(), scope.encode(), content))
    return hmac.digest(key, text, hashlib.sha256)[:SIGNATURE_BYTES]
