"""Alerts and dashboard before a real Prometheus, and the broker's own metrics."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx2
import pytest
import yaml
from support import servers
from support.running import Running, free_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/observability"
IMAGE = "prom/prometheus:v3"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def engine():
    if not servers.has_engine():
        reason = "no Docker engine answers: promtool is run from its image"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)


def promtool(folder, *arguments):
    mounted = ("-v", f"{folder}:/o:ro")
    done = docker("run", "--rm", *mounted, "--entrypoint", "promtool", IMAGE, *arguments)
    return done.returncode, done.stdout + done.stderr


def test_the_configuration_and_the_rules_are_valid():
    for command in (
        ("check", "config", "/o/prometheus.yml"),
        ("check", "rules", "/o/rules/carport.yml", "/o/rules/production.yml"),
    ):
        status, text = promtool(FOLDER, *command)
        assert status == 0, text


def test_every_alert_is_silent_before_its_time_and_fires_after_it():
    status, text = promtool(FOLDER, "test", "rules", "/o/tests/alerts.yml")
    assert status == 0, text


def test_every_panel_of_the_dashboard_can_be_asked_for(tmp_path):
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    asked = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", ())]
    filled = [e.replace("$__rate_interval", "1m").replace("$unit", ".*") for e in asked]
    rules = [{"record": f"panel_{n}", "expr": expr} for n, expr in enumerate(filled)]
    tmp_path.chmod(0o755)
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    status, text = promtool(tmp_path, "check", "rules", "/o/panels.yml")
    assert status == 0, text
    assert f"{len(asked)} rules found" in text


def test_the_compose_file_of_prometheus_fits_the_stack():
    files = ("-f", "docker-compose.yml", "-f", "deploy/observability/compose.yml")
    done = subprocess.run(
        ["docker", "compose", *files, "config", "-q"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("watched") / "var").start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def prometheus(suite, tmp_path_factory):
    """A Prometheus with our rules that reads the suite; the address of its API."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    folder.chmod(0o755)
    target = {"targets": [f"127.0.0.1:{suite.port + 1}"], "labels": {"service": "carport"}}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules/*.yml"],
        "scrape_configs": [{"job_name": "carport", "static_configs": [target]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copytree(FOLDER / "rules", folder / "rules")
    started = docker(
        "run", "-d", "--rm", "--network", "host", "-v", f"{folder}:/etc/prometheus:ro",
        "--entrypoint", "prometheus", IMAGE,
        "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/tmp/data",
        f"--web.listen-address=127.0.0.1:{port}",
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    name = started.stdout.strip()
    yield f"http://127.0.0.1:{port}/api/v1"
    docker("rm", "-f", "-v", name)


def ask(prometheus, path, **params):
    try:
        answer = httpx2.get(f"{prometheus}/{path}", params=params, trust_env=False)
        return answer.json()["data"] if answer.is_success else None
    except httpx2.HTTPError:
        return None


def eventually(look):
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def test_prometheus_reads_the_suite_and_its_alerts_and_none_fires(prometheus):
    def all_evaluated():
        groups = (ask(prometheus, "rules") or {"groups": []})["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return rules if rules and all(r["health"] != "unknown" for r in rules) else None

    eventually(lambda: (ask(prometheus, "query", query="carport_ready") or {}).get("result"))
    rules = eventually(all_evaluated)
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    busy = {rule["name"] for rule in rules if rule["state"] != "inactive"}
    assert busy <= {"CarportDayBehind"}, "the sandbox's day is long ago"


def test_the_metrics_are_well_formed(suite):
    text = httpx2.get(f"http://127.0.0.1:{suite.port + 1}/metrics", trust_env=False).text
    command = ["docker", "run", "--rm", "-i", "--entrypoint", "promtool", IMAGE, "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("image", [images[1] for images in servers.IMAGES.values()])
def test_the_broker_tells_of_each_queue_what_the_alerts_ask_for(image):
    broker = servers.Container(image, 15692)
    try:
        url = f"http://{broker.host}:{broker.port}/metrics/detailed"
        family = ["queue_coarse_metrics", "queue_consumer_count"]

        def told():
            try:
                answer = httpx2.get(url, params={"family": family}, trust_env=False)
                return answer.text if answer.is_success else None
            except httpx2.HTTPError:
                return None

        text = eventually(told)
        for metric in ("rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_consumers"):
            assert f"# TYPE {metric} gauge" in text
    finally:
        broker.remove()
