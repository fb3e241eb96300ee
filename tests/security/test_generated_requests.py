"""Thousands of generated requests per caller: no 5xx, and nothing that the document does not say.

Half of the requests follow the document, half break it on purpose.
"""

from __future__ import annotations

import os
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CASES = 30_000 if os.environ.get("CARPORT_PROOF") else 3_000
"""Per caller, over all operations."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance,
          response_schema_conformance]  # fmt: skip
LEFT_OUT = re.compile(r"/v1/auth/(sessions|me/password)|/v1/sandbox/clock")
"""What would end the caller's own session, or let years of days pass."""


@pytest.fixture(scope="session")
def operations(suite):
    document = schemathesis.openapi.from_wsgi("/openapi.json", suite.app)
    found = [result.ok() for result in document.get_all_operations()]
    return [operation for operation in found if not LEFT_OUT.search(operation.path)]


@pytest.mark.timeout(540)
@pytest.mark.parametrize("caller", ["nobody", "customer", "staff"])
def test_generated_requests_break_nothing(operations, tokens, own_ids, caller):
    headers = {"Authorization": f"Bearer {tokens[caller]}"} if tokens[caller] else {}
    each = -(-CASES * 6 // (10 * len(operations)))  # a few operations cannot be asked wrongly
    sent, faults = [], []
    for operation in operations:
        for mode in GenerationMode:
            faults += faults_of(operation, mode, headers, each, sent, own_ids)
    assert faults == []
    assert len(sent) >= CASES


def faults_of(operation, mode, headers, number, sent, own_ids):
    """Send *number* requests of one kind; the first fault that was found, shrunk.

    Those that follow the document ask for the customer's own things.
    """

    @settings(max_examples=number, deadline=None, phases=[Phase.generate, Phase.shrink],
              suppress_health_check=list(HealthCheck), derandomize=True, database=None)  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        sent.append(operation.label)
        if mode is GenerationMode.POSITIVE:
            known = {name: own_ids.get(name, value) for name, value in case.path_parameters.items()}
            case.path_parameters = known
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        send()
    except Unsatisfiable:
        return []
    except Exception as fault:  # noqa: BLE001 - every fault goes into the report, whatever its kind
        return [f"{operation.label} ({mode.value}): {fault}"]
    return []
