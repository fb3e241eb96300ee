"""Alerts, dashboard, documentation and code speak of the same metrics, and every alert says what to
do."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from carport.shared import health, metrics

FOLDER = "deploy/observability"
OURS = re.compile(r"\b(?:carport|process|rabbitmq|kube|up)(?:_[a-z_]+)?\b(?=[{\[) ]|$)")
OF_OTHERS = {
    "up",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_open_fds",
    "rabbitmq_detailed_queue_messages",
    "rabbitmq_detailed_queue_consumers",
}
SUFFIXES = ("_bucket", "_count", "_sum")
ROLES = ("web", "stream", "worker")


@pytest.fixture(scope="module")
def rules(root):
    """Every alert of every rules file."""
    files = sorted((root / FOLDER / "rules").glob("*.yml"))
    assert files
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture(scope="module")
def drawn(root):
    """Every expression of the dashboard."""
    dashboard = json.loads((root / FOLDER / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


@pytest.fixture(scope="module")
def handbook(root):
    return (root / "docs/operations.md").read_text()


@pytest.fixture(scope="module")
def told():
    """What the code tells."""
    return {*metrics.INSTRUMENTS, *health.GAUGES, "carport_ready"}


def named(expression):
    """The metrics in an expression, histograms by their own name."""
    outside_of_quotes = re.sub(r'"[^"]*"', '""', expression)
    for name in OURS.findall(outside_of_quotes):
        suffix = next((s for s in SUFFIXES if name.endswith(s)), "")
        yield name.removesuffix(suffix)


def test_every_metric_of_an_alert_or_a_panel_exists(rules, drawn, told):
    expressions = [rule["expr"] for rule in rules.values()] + drawn
    for expression in expressions:
        found = set(named(expression))
        assert found, expression
        assert found - told - OF_OTHERS == set(), expression


def test_a_metric_that_is_not_there_is_found():
    assert set(named('max(carport_nothing{unit="carport_x"}) > rate(up[5m])')) == {
        "carport_nothing",
        "up",
    }


def test_every_metric_is_drawn_and_described(drawn, told, handbook):
    shown = {name for expression in drawn for name in named(expression)}
    assert told - shown == set()
    assert {name for name in told | shown - {"up"} if f"`{name}" not in handbook} <= OF_OTHERS


def test_labels_of_alerts_and_panels_are_those_of_the_metric(rules, drawn):
    known = {name: set(labels.split()) for name, (_, labels, _) in metrics.INSTRUMENTS.items()}
    for expression in [rule["expr"] for rule in rules.values()] + drawn:
        for name, selector in re.findall(r"(carport_[a-z_]+)\{([^}]*)\}", expression):
            base = next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), name)
            used = set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", selector))
            assert used <= known.get(base, {"unit", "part", "state"}) | {"le"}, expression


def test_every_alert_says_how_bad_it_is_and_has_a_runbook(rules, handbook):
    runbooks = re.findall(r"^### (Carport\w+)$", handbook, re.M)
    assert sorted(runbooks) == sorted(rules)
    for name, rule in rules.items():
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        said = rule["annotations"]
        assert said["summary"] and said["description"], name
        assert said["runbook_url"] == f"docs/operations.md#{name.lower()}"


def test_every_runbook_says_what_it_means_how_to_see_it_and_what_to_do(rules, handbook):
    for name in rules:
        text = handbook.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert [mark for mark in ("**Means.**", "**See.**", "**Do.**") if mark not in text] == []


def test_every_alert_is_tested_to_be_silent_and_to_fire(root, rules):
    cases = yaml.safe_load((root / FOLDER / "tests/alerts.yml").read_text())["tests"]
    seen = {}
    for case in cases:
        for test in case["promql_expr_test"]:
            name = re.search(r'alertname="(\w+)"', test["expr"])[1]
            seen.setdefault(name, []).append(test["exp_samples"][0]["value"] > 0)
    assert {name: sorted(fires) for name, fires in seen.items()} == {
        name: [False, True] for name in rules
    }


def test_prometheus_asks_every_container_that_tells_something(root):
    config = yaml.safe_load((root / FOLDER / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    found = set(jobs["carport"]["dns_sd_configs"][0]["names"])
    alive = jobs["carport-alive"]["static_configs"][0]["targets"]
    services = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    units = {name for name in services if name.rpartition("-")[2] in ROLES}
    assert found == units | {"gateway", "portal"}
    assert {target.removesuffix(":8081") for target in alive} == found
