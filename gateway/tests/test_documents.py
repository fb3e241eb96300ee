"""One document for client developers, which outlives a service that is away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from carport.gateway.app import create_gateway
from carport.gateway.documents import merge
from carport.shared.kernel.clock import utc_now
from werkzeug.test import Client

PROBLEM = {"$ref": "#/components/schemas/Problem"}
CONFLICT = {"content": {"application/problem+json": {"schema": PROBLEM}}}


def document(service, path):
    reference = {"$ref": "#/components/schemas/Thing"}
    return {
        "openapi": "3.1.0",
        "tags": [{"name": service, "description": ""}],
        "paths": {
            path: {
                "post": {
                    "summary": f"Make one in {service}",
                    "tags": [service],
                    "security": [{"bearer": []}],
                    "x-carport-access": "customer",
                    "parameters": [{"in": "header", "name": "Idempotency-Key", "required": True,
                                    "schema": {"type": "string"}}],
                    "requestBody": {"content": {"application/json": {"schema": reference}}},
                    "responses": {
                        "201": {"content": {"application/json": {"schema": reference}}},
                        "409": {"$ref": "#/components/responses/CONFLICT"},
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "Problem": {"type": "object"},
                "Thing": {
                    "type": "object",
                    "required": ["amount"],
                    "properties": {
                        "amount": {"type": "integer", "minimum": 1, "description": "Cents."},
                        "more": {"type": "array", "items": reference},
                        "kind": {"enum": ["a", "<script>"]},
                    },
                },
            },
            "responses": {"CONFLICT": CONFLICT},
            "securitySchemes": {"bearer": {"type": "http"}},
        },
    }  # fmt: skip


@pytest.fixture
def now():
    return [utc_now()]


@pytest.fixture
def filled(settings, apps, now):
    apps["payments"].document = document("payments", "/v1/payments")
    apps["lease"].document = document("lease", "/v1/leases")
    return Client(create_gateway(settings, apps, clock=lambda: now[0]))


def test_all_paths_are_in_it_and_schemas_of_one_name_do_not_mix(filled):
    merged = filled.get("/openapi.json").json
    assert set(merged["paths"]) == {"/v1/payments", "/v1/leases"}
    assert set(merged["components"]["schemas"]) == {"Problem", "payments.Thing", "lease.Thing"}
    content = merged["paths"]["/v1/leases"]["post"]["requestBody"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/lease.Thing"}
    nested = merged["components"]["schemas"]["lease.Thing"]["properties"]["more"]["items"]
    assert nested == {"$ref": "#/components/schemas/lease.Thing"}
    conflict = merged["components"]["responses"]["CONFLICT"]["content"]
    assert conflict["application/problem+json"]["schema"] == PROBLEM


def test_it_is_asked_for_again_after_a_minute_and_not_before(filled, apps, now):
    apps["payments"].document = document("payments", "/v1/autopay")
    assert "/v1/autopay" not in filled.get("/openapi.json").json["paths"]
    now[0] += timedelta(seconds=61)
    assert "/v1/autopay" in filled.get("/openapi.json").json["paths"]


@pytest.mark.parametrize("broken", [[], None, "x"])
def test_a_service_that_gives_none_keeps_its_last_one(filled, apps, now, broken):
    apps["payments"].document = broken
    now[0] += timedelta(seconds=61)
    assert "/v1/payments" in filled.get("/openapi.json").json["paths"]


def test_the_page_shows_every_operation_readably_without_any_script(filled):
    response = filled.get("/docs")
    assert response.content_type.startswith("text/html")
    page = response.text
    for shown in (
        "/v1/payments",
        "/v1/leases",
        "Make one in lease",
        "amount",
        "Cents.",
        "Idempotency-Key",
        "Access token of a customer",
        "more[].amount",
        "money_moved",
    ):
        assert shown in page
    assert "<script" not in page
    assert "//" not in page.replace("<!doctype html>", "").replace("</", "")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src" not in policy and "default-src 'none'" in policy
    with filled.get("/docs/static/docs.css") as style:
        assert style.content_type.startswith("text/css")


def test_the_page_says_so_when_nothing_is_known_yet(settings):
    page = Client(create_gateway(settings, {})).get("/docs").text
    assert "Reload this page" in page


def test_the_status_says_which_parts_work(filled, apps, now):
    assert filled.get("/status").json == {
        "status": "ok",
        "services": dict.fromkeys(("auth", "accounts", "payments", "notifications", "lease"), "ok"),
    }
    apps["lease"].status = "503 Service Unavailable"
    assert filled.get("/status").json["status"] == "ok", "kept for two seconds"
    now[0] += timedelta(seconds=3)
    told = filled.get("/status").json
    assert (told["status"], told["services"]["lease"]) == ("degraded", "away")
    assert told["services"]["auth"] == "ok"


def test_nothing_merged_is_still_a_document():
    assert merge({})["openapi"] == "3.1.0"
