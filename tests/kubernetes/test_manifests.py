"""What is rendered is what Kubernetes and the operators accept, and the checks notice what is not.

kubernetes-validate passes over kinds it does not know; those are checked against parts of the
operators' own schemas, which ``schemas/`` keeps of the members that are used here.
"""

from __future__ import annotations

import copy
import json
import re
import shutil

import pytest
import yaml
from support.manifests import (
    FOLDER,
    ROOT,
    SERVICES,
    closed,
    container,
    custom_schemas,
    invalid,
    named,
    of_kind,
    render,
    template,
    title,
)

PER_SERVICE = {
    "Deployment": {"web", "worker"},
    "Service": {"web"},
    "Job": {"migrate"},
    "Cluster": {"db"},
    "ScheduledBackup": {"db"},
    "User": {"broker"},
    "TopicPermission": {"broker"},
}
ONLY_IN_PRODUCTION = {
    "HorizontalPodAutoscaler": {
        *("gateway", "portal", "notifications-stream"),
        *(f"{name}-web" for name in SERVICES),
    },
    "ScaledObject": {f"{name}-worker" for name in SERVICES},
    "PodDisruptionBudget": {
        *("gateway", "portal", "notifications-stream"),
        *(f"{name}-{role}" for name in SERVICES for role in ("web", "worker")),
    },
    "Gateway": {"edge"},
}


def test_every_object_is_valid_and_has_no_unknown_member(objects):
    assert invalid(objects) == []


def test_every_service_has_the_same_parts(objects):
    for kind, parts in PER_SERVICE.items():
        wanted = {f"{service}-{part}" for service in SERVICES for part in parts}
        assert wanted <= {each["metadata"]["name"] for each in of_kind(objects, kind)}, kind


def test_production_scales_and_is_there_for_disruptions_and_one_node_waits_for_no_other(rendered):
    for kind, names in ONLY_IN_PRODUCTION.items():
        found = {each["metadata"]["name"] for each in of_kind(rendered["production"], kind)}
        assert found == names, kind
        assert of_kind(rendered["single-node"], kind) == [], kind


def test_nothing_is_left_of_the_placeholder(objects):
    kept = [each for each in objects if each["kind"] not in ("ConfigMap", "PrometheusRule")]
    text = json.dumps(kept)
    found = re.findall(
        r'"(?:name|image|queueName|owner|database|write)": "[^"]*\bunit\b[^"]*"', text
    )
    assert {each for each in found if each != '"name": "unit"'} == set()
    assert "UNIT" not in text and not re.search(r"[-/._]unit\b|\bunit[-_.]", text)


def test_names_are_unique(objects):
    titles = [title(each) for each in objects]
    assert sorted(titles) == sorted(set(titles))


def test_what_is_referred_to_is_there(objects):
    services = {each["metadata"]["name"]: each for each in of_kind(objects, "Service")}
    deployments = {each["metadata"]["name"] for each in of_kind(objects, "Deployment")}
    clusters = {each["metadata"]["name"] for each in of_kind(objects, "Cluster")}
    for each in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        assert each["spec"]["scaleTargetRef"]["name"] in deployments, title(each)
    for each in of_kind(objects, "ScheduledBackup"):
        assert each["spec"]["cluster"]["name"] == each["metadata"]["name"] in clusters
    for each in of_kind(objects, "HTTPRoute"):
        (rule,) = each["spec"]["rules"]
        assert services[rule["backendRefs"][0]["name"]]["spec"]["ports"][0]["port"] == 8080
    users = {each["metadata"]["name"] for each in of_kind(objects, "User")}
    for each in of_kind(objects, "Permission", "TopicPermission"):
        assert each["spec"]["userReference"]["name"] in users, title(each)


def test_every_selector_of_a_service_finds_the_pods_of_one_deployment(objects):
    for service in of_kind(objects, "Service"):
        wanted = service["spec"]["selector"].items()
        found = [
            each["metadata"]["name"]
            for each in of_kind(objects, "Deployment")
            if wanted <= template(each)["metadata"]["labels"].items()
        ]
        assert found == [service["metadata"]["name"]]


def test_every_budget_and_policy_of_a_deployment_finds_its_own_pods_alone(production):
    for budget in of_kind(production, "PodDisruptionBudget"):
        wanted = budget["spec"]["selector"]["matchLabels"].items()
        found = [
            each["metadata"]["name"]
            for each in of_kind(production, "Deployment")
            if wanted <= template(each)["metadata"]["labels"].items()
        ]
        assert found == [budget["metadata"]["name"]]


def test_a_worker_scales_by_the_queue_of_its_service_and_never_to_none(production):
    for service in SERVICES:
        spec = named(production, "ScaledObject", f"{service}-worker")["spec"]
        (trigger,) = spec["triggers"]
        assert trigger["metadata"]["queueName"] == f"carport.{service}"
        assert spec["minReplicaCount"] >= 1


def test_a_service_may_publish_its_own_events_alone(objects):
    for service in SERVICES:
        spec = named(objects, "TopicPermission", f"{service}-broker")["spec"]
        assert spec["permissions"]["exchange"] == "carport.events"
        write = re.compile(spec["permissions"]["write"])
        assert [name for name in SERVICES if write.search(f"{name}.thing_done.v1")] == [service]


def test_each_database_has_an_owner_an_application_and_a_reader_of_its_own(objects):
    for service in SERVICES:
        spec = named(objects, "Cluster", f"{service}-db")["spec"]
        first = spec["bootstrap"]["initdb"]
        assert (first["database"], first["owner"]) == (
            f"carport_{service}",
            f"carport_{service}_owner",
        )
        assert {
            each["name"]: each["passwordSecret"]["name"] for each in spec["managed"]["roles"]
        } == {
            f"carport_{service}": f"{service}-db-app",
            f"carport_{service}_reader": f"{service}-db-reader",
        }
        assert first["secret"]["name"] == f"{service}-db-owner"
        assert [each["parameters"] for each in spec["plugins"]] == [{"barmanObjectName": "backups"}]


def test_production_has_three_of_what_keeps_data(production):
    assert named(production, "RabbitmqCluster", "broker")["spec"]["replicas"] == 3
    for service in SERVICES:
        spec = named(production, "Cluster", f"{service}-db")["spec"]
        assert spec["instances"] == 3
        assert spec["postgresql"]["synchronous"]["dataDurability"] == "required"


def test_a_restored_cluster_is_made_of_the_backups_of_the_running_one(production):
    image = named(production, "Cluster", "accounts-db")["spec"]["imageName"]
    variables = {
        each["name"]: each["value"]
        for each in container(named(production, "CronJob", "restore"))["env"]
    }
    assert variables["CARPORT_RESTORE_IMAGE"] == image
    text = (FOLDER / "restore-test" / "cluster.json").read_text()
    cluster = json.loads(text.replace("${service}", "accounts").replace("${image}", image))
    assert invalid([cluster]) == []
    (source,) = cluster["spec"]["externalClusters"]
    assert source["plugin"]["parameters"]["serverName"] == "accounts-db"


def test_the_alerts_are_those_of_deploy_observability_and_what_they_ask_is_scraped(production):
    folder = ROOT / "deploy" / "observability" / "rules"
    kept = [
        yaml.safe_load((folder / name).read_text()) for name in ("carport.yml", "production.yml")
    ]
    rule = named(production, "PrometheusRule", "carport")
    assert rule["spec"]["groups"] == [group for each in kept for group in each["groups"]]
    jobs = {
        relabeling["replacement"]
        for each in of_kind(production, "PodMonitor")
        for endpoint in each["spec"]["podMetricsEndpoints"]
        for relabeling in endpoint.get("relabelings", [])
        if relabeling["targetLabel"] == "job"
    }
    asked = re.findall(r'job=~?"([^"]+)"', json.dumps(rule["spec"]).replace("\\", ""))
    assert {job for each in asked for job in each.split("|")} - {"carport-alive"} <= jobs


def test_every_alert_of_kubernetes_has_its_runbook(production):
    text = (FOLDER / "README.md").read_text()
    for group in named(production, "PrometheusRule", "kubernetes")["spec"]["groups"]:
        for rule in group["rules"]:
            assert f"### {rule['alert']}\n" in text, rule["alert"]
            assert rule["annotations"]["runbook_url"].endswith(f"#{rule['alert'].lower()}")


def test_every_schema_here_is_used_and_closed(rendered):
    used = {
        f"{each['apiVersion']} {each['kind']}" for objects in rendered.values() for each in objects
    }
    assert set(custom_schemas()) - used == set()
    assert closed({"properties": {"a": {"properties": {}}}}) == {
        "properties": {"a": {"properties": {}, "additionalProperties": False}},
        "additionalProperties": False,
    }


BREAKS = {
    "a typo in a built-in kind": (
        *("Deployment", "gateway"),
        *("spec.template.spec.containers.0.imagePullPolice", "Always"),
    ),
    "a wrong type": ("Service", "gateway", "spec.ports.0.port", "http"),
    "a missing member": ("Job", "auth-migrate", "spec.template", None),
    "an unknown member of a custom kind": ("ScaledObject", "auth-worker", "spec.minReplicas", 1),
    "one deep in a custom kind": ("Cluster", "auth-db", "spec.postgresql.synchronous.count", 1),
    "a value outside its list": (
        *("ObjectStore", "backups"),
        *("spec.configuration.wal.compression", "zip"),
    ),
    "a missing member of a custom kind": ("ScheduledBackup", "auth-db", "spec.schedule", None),
    "a kind nobody knows": ("ConfigMap", "settings", "apiVersion", "carport.example.com/v1"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_validation_notices(broken, production):
    kind, name, path, value = BREAKS[broken]
    thing = copy.deepcopy(next(
        each for each in of_kind(production, kind) if each["metadata"]["name"].startswith(name)
    ))  # fmt: skip
    *parents, last = path.split(".")
    inner = thing
    for part in parents:
        inner = inner[int(part)] if isinstance(inner, list) else inner[part]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    assert invalid([thing]) != []


def test_a_file_that_does_not_render_is_noticed(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "kubernetes")
    path = folder / "service" / "worker.yaml"
    path.write_text(path.read_text().replace("queueName", "queue"))
    with pytest.raises(AssertionError, match="queueName"):
        render("production", folder)
