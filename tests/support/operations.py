"""Every operation of the running suite, read from its own OpenAPI document."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id

METHODS = ("get", "post", "put", "patch", "delete")
PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    access: tuple[str, ...]
    has_body: bool
    needs_key: bool
    query: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    """Of the body: name and type, ``date`` for a date; those that may be null are left out."""

    @property
    def needs_token(self) -> bool:
        return not set(self.access) & {"public", "sandbox"}

    @property
    def is_staff(self) -> bool:
        return self.needs_token and not set(self.access) & {"customer", "user"}

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    def url(self, ids: dict[str, str]) -> str:
        """The path with *ids*, and a random id for what is not among them."""
        return PARAMETER.sub(lambda m: ids.get(m[1]) or unknown_id(), self.path)

    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": str(uuid.uuid4())} if self.needs_key else {}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def unknown_id() -> str:
    return new_id(utc_now())


def read(document: dict[str, Any]) -> list[Operation]:
    found = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                found.append(operation(method.upper(), path, item[method], document))
    return found


def operation(method: str, path: str, spec: dict[str, Any], document: dict[str, Any]) -> Operation:
    access = spec["x-carport-access"]
    parameters = spec.get("parameters", [])
    return Operation(
        method=method,
        path=path,
        access=(access,) if isinstance(access, str) else tuple(access),
        has_body="requestBody" in spec,
        needs_key=any(p.get("name") == "Idempotency-Key" for p in parameters),
        query=tuple(p["name"] for p in parameters if p.get("in") == "query"),
        members=tuple(members(spec, document)),
    )


def members(spec: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    content = spec.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for name, member in schema.get("properties", {}).items():
        kind = member.get("type", "object" if "$ref" in member else "")
        kinds = {kind} if isinstance(kind, str) else set(kind)
        if "null" not in kinds:
            yield name, "date" if member.get("format") == "date" else "".join(kinds)
