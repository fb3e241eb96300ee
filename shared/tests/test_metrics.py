"""What is counted, and the private port that tells it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from carport.shared import metrics

OFF = """
import sys
from carport.shared import auth, cli, delivery, effects, jobs, metrics, outbox, telemetry, web
telemetry.trace("payments")
metrics.request("payments", "GET", "/v1/x", 200, 0.1)
metrics.handled("payments", ["a.b_c.v1"], "done", 0.1)
metrics.connected("payments", "consumer", lambda: True)
with telemetry.span("payments", "x", "SERVER", None):
    telemetry.answered("GET", "/", 200)
print(sorted({name.split(".")[0] for name in sys.modules} & {"prometheus_client", "opentelemetry"}))
"""


@pytest.fixture
def registry():
    yield metrics.start()
    metrics.stop()


@pytest.fixture
def server(registry):
    """Serves two units; answers how to ask it, and the parts one may take away."""
    has = {"payments": {"database": True}, "lease": {"database": True, "broker": True}}
    parts = metrics.Parts({unit: lambda unit=unit: has[unit] for unit in has})
    serving = metrics.serve("127.0.0.1", 0, parts)
    port = serving.server_address[1]

    def ask(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    yield ask, has
    serving.shutdown()
    serving.server_close()


def labels_of(registry, name):
    return [s.labels for m in registry.collect() for s in m.samples if s.name == name]


def test_while_off_nothing_is_counted_or_even_imported():
    said = subprocess.run(
        [sys.executable, "-c", OFF], capture_output=True, text=True, check=True, env={}
    )
    assert said.stdout.strip() == "[]"


def test_labels_are_from_a_small_set_whatever_a_client_sends(registry):
    for number in range(50):
        metrics.request("payments", f"EVIL{number}", None, 404, 0.001)
    (found,) = labels_of(registry, "carport_http_requests_total")
    assert found == {"unit": "payments", "method": "other", "route": "unmatched", "status": "404"}


def test_events_handled_together_share_the_time(registry):
    metrics.handled("lease", ["a.b_c.v1", "a.b_c.v1", "a.d_e.v1"], "done", 3.0)
    told = {"unit": "lease", "type": "a.b_c.v1"}
    assert registry.get_sample_value("carport_handler_seconds_sum", told) == 2.0
    assert registry.get_sample_value("carport_handler_seconds_count", told) == 2
    done = {**told, "outcome": "done"}
    assert registry.get_sample_value("carport_handled_total", done) == 2


def test_the_port_tells_metrics_and_that_it_lives_and_nothing_else(server):
    ask, _ = server
    metrics.request("payments", "GET", "/v1/payments/<payment_id>", 200, 0.02)
    status, text = ask("/metrics")
    assert status == 200
    assert 'carport_http_requests_total{method="GET",route="/v1/payments/<payment_id>"' in text
    assert 'carport_ready{part="broker",unit="lease"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    assert ask("/healthz") == (200, '{"status": "ok"}')
    assert ask("/")[0] == ask("/metrics/x")[0] == 404


def test_readiness_says_what_is_missing_and_whose(server):
    ask, has = server
    assert ask("/readyz") == (200, '{"status": "ok", "missing": []}')
    has["lease"]["broker"] = False
    status, text = ask("/readyz")
    assert (status, json.loads(text)) == (503, {"status": "unready", "missing": ["lease.broker"]})
    assert 'carport_ready{part="broker",unit="lease"} 0.0' in ask("/metrics")[1]
    assert ask("/healthz")[0] == 200, "alive all the same"


def test_a_process_of_one_unit_does_not_name_it():
    parts = metrics.Parts({"payments": lambda: {"database": True, "schema": False}})
    assert parts.missing() == ["schema"]


def test_a_connection_is_looked_at_when_it_is_asked_for(registry):
    connections = [True, False]
    metrics.connected("payments", "consumer", lambda: connections.pop(0))
    told = {"unit": "payments", "side": "consumer"}
    seen = [registry.get_sample_value("carport_bus_connected", told) for _ in range(2)]
    assert seen == [1, 0]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ([], (200, "ok")),
        (["sessions"], (200, "degraded")),
        (["payments.sessions"], (200, "degraded")),
        (["sessions", "database"], (503, "unready")),
    ],
)
def test_a_process_that_lacks_only_what_all_share_stays_in_service(missing, expected):
    status, body = metrics.readiness(missing)
    assert ((status, body["status"]), body["missing"]) == (expected, missing)
