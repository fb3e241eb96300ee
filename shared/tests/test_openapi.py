"""The document says what the code does: schemas, keys, tokens, and every problem."""

from __future__ import annotations

import pytest
from carport.shared import web


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method} {path}", operation


def test_every_operation_documents_its_problems(document):
    for name, operation in operations(document):
        for status in ("400", "404", "422", "429", "500", "503"):
            reference = operation["responses"][status]["$ref"].rsplit("/", 1)[-1]
            content = document["components"]["responses"][reference]["content"]
            assert list(content) == ["application/problem+json"], name


def test_success_is_documented_with_its_schema(document):
    post = document["paths"]["/v1/accounts/{account_id}/notes"]["post"]
    schema = post["responses"]["201"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Note"}
    body = post["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/NewNote"}
    amount = document["components"]["schemas"]["NewNote"]["properties"]["amount"]
    assert amount == {"type": "integer", "minimum": 1, "maximum": 100000000000}


def test_tokens_and_keys_are_documented_where_they_are_needed(document):
    post = document["paths"]["/v1/accounts/{account_id}/notes"]["post"]
    assert post["security"] == [{"bearer": []}]
    assert "Idempotency-Key" in [each["name"] for each in post["parameters"]]
    echo = document["paths"]["/v1/echo"]["post"]
    assert echo["security"] == []
    assert "401" not in echo["responses"]
    assert "parameters" not in echo


def test_every_route_of_the_service_is_in_the_document(runtime, document):
    rules = [
        r.rule for r in web.create_app(runtime).url_map.iter_rules() if r.rule.startswith("/v1")
    ]
    documented = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    assert set(rules) == documented


def test_it_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
