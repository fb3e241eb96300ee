"""The OpenAPI document as the page shows it: operations by tag, with every member in words."""

from __future__ import annotations

from typing import Any

from carport.shared.errors import PROBLEM
from carport.shared.kernel.ids import ID_PATTERN
from carport.shared.kernel.money import AMOUNT_MAX
from carport.shared.schemas import INT_MAX, ITEMS_MAX, TEXT_MAX

Document = dict[str, Any]

NESTED_MAX = 2
LIMIT_WORDS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "min length",
    "maxLength": "max length",
    "minItems": "min items",
    "maxItems": "max items",
    "format": "format",
}
UNREMARKABLE = (0, 1, -INT_MAX, INT_MAX, TEXT_MAX, ITEMS_MAX, AMOUNT_MAX)
ID = f"^{ID_PATTERN.pattern}$"
METHODS = ("get", "post", "put", "patch", "delete")


def operations(document: Document) -> dict[str, list[Document]]:
    """Tag -> its operations with method, path and everything resolved, for the page."""
    grouped: dict[str, list[Document]] = {}
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                told = {**item[method], "method": method, "path": path}
                shared = item.get("parameters", [])
                told["parameters"] = [*shared, *told.get("parameters", [])]
                told["body"] = body_of(told, document)
                told["answers"] = answers_of(told, document)
                grouped.setdefault((told.get("tags") or ["other"])[0], []).append(told)
    return grouped


def body_of(operation: Document, document: Document) -> list[Document]:
    """The members of the request body."""
    content = operation.get("requestBody", {}).get("content", {})
    first: Document = next(iter(content.values()), {})
    return members(first.get("schema", {}), document)


def answers_of(operation: Document, document: Document) -> list[Document]:
    """The successful answers with their members; problems are told once for all."""
    found = []
    for status, answer in sorted(operation.get("responses", {}).items()):
        if status.startswith("2"):
            content: Document = answer.get("content", {})
            schemas = [c.get("schema", {}) for kind, c in content.items() if kind != PROBLEM]
            schema: Document = schemas[0] if schemas else {}
            found.append({"status": status, "members": members(schema, document)})
    return found


def members(schema: Document, document: Document, within: str = "") -> list[Document]:
    """``{name, type, required, note}`` of an object schema, nested members by dotted name."""
    schema, mark = unwrapped(schema, document)
    required = set(schema.get("required", []))
    found: list[Document] = []
    for name, inner in schema.get("properties", {}).items():
        full = f"{within}{mark if within else ''}{'.' if within else ''}{name}"
        is_required = name in required
        found.append({"name": full, "required": is_required, **described(resolve(inner, document))})
        if full.count(".") < NESTED_MAX:
            found += members(inner, document, full)
    return found


def unwrapped(schema: Document, document: Document) -> tuple[Document, str]:
    """The object in *schema*, also when it stands in a list; and how its name shows that."""
    resolved = resolve(schema, document)
    if resolved.get("type") == "array":
        return resolve(resolved.get("items", {}), document), "[]"
    return resolved, ""


def resolve(schema: Document, document: Document) -> Document:
    """*schema*, or what it refers to, also when it may be null."""
    for key in ("allOf", "anyOf"):
        schema = next((each for each in schema.get(key, []) if "$ref" in each), schema)
    reference = schema.get("$ref", "")
    if not reference:
        return schema
    found: Document = document["components"]["schemas"].get(reference.rsplit("/", 1)[-1], {})
    return found


def described(schema: Document) -> Document:
    """The type and limits of a member in words; limits that everything has are left out."""
    kind = schema.get("type", "object")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    limits = [
        f"{word} {schema[key]}"
        for key, word in LIMIT_WORDS.items()
        if key in schema and schema[key] not in UNREMARKABLE
    ]
    if "enum" in schema:
        words = (str(each) for each in schema["enum"] if each is not None)
        limits.append("one of " + ", ".join(words))
    note = "; ".join([*limits, schema.get("description", "")]).strip("; ")
    return {"type": "id" if schema.get("pattern") == ID else text, "note": note}
