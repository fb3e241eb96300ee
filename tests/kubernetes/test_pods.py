"""Every pod is locked down, bounded, probed and pinned; nobody gets more rights than they need."""

from __future__ import annotations

import copy
import re

import pytest
from support.manifests import (
    FOLDER,
    SERVICES,
    UNIT,
    WORKLOADS,
    container,
    named,
    of_kind,
    secrets_of,
    template,
    title,
    units,
)

PINNED = re.compile(r"^[\w./-]+(?::v?\d[\w.-]*|@sha256:[0-9a-f]{64})$")
SECRET_WORDS = re.compile(
    r"(?i)(?:://[^@/\s]+:[^@/\s]+@|begin [\w ]*private key|password\s*[:=]\s*\w)"
)


def unsafe(workload):
    """What a pod is allowed beyond the need of its unit; one sentence each."""
    pod, unit = template(workload)["spec"], container(workload)
    security, own = pod.get("securityContext", {}), unit.get("securityContext", {})
    demands = {
        "runs as a user": security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0,
        "has the default seccomp": security.get("seccompProfile") == {"type": "RuntimeDefault"},
        "cannot gain rights": own.get("allowPrivilegeEscalation") is False,
        "has a read-only root": own.get("readOnlyRootFilesystem") is True,
        "has no capability": own.get("capabilities") == {"drop": ["ALL"]},
        "has limits": {"cpu", "memory"} <= unit["resources"].get("limits", {}).keys(),
        "has requests": {"cpu", "memory"} <= unit["resources"].get("requests", {}).keys(),
        "has a pinned image": PINNED.match(unit["image"]) is not None,
        "shares nothing of its node": not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        and all("hostPath" not in each for each in pod["volumes"]),
        "has an account of the cluster only where it asks it something": pod.get(
            "automountServiceAccountToken"
        )
        is ("serviceAccountName" in pod),
        "has bounded scratch space": all(
            "sizeLimit" in each["emptyDir"] for each in pod["volumes"] if "emptyDir" in each
        ),
    }
    return [f"{title(workload)}: no longer {what}" for what, holds in demands.items() if not holds]


def unready(deployment):
    """What of a roll-out could lose a request; one sentence each."""
    spec, pod, unit = deployment["spec"], template(deployment)["spec"], container(deployment)
    pause = unit.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    asked = {
        probe: unit.get(probe, {}).get("httpGet", {})
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    demands = {
        "is asked whether it lives and can serve": asked
        == {
            "startupProbe": {"path": "/healthz", "port": "metrics"},
            "readinessProbe": {"path": "/readyz", "port": "metrics"},
            "livenessProbe": {"path": "/healthz", "port": "metrics"},
        },
        "replaces one at a time": spec["strategy"]["rollingUpdate"]
        == {"maxSurge": 1, "maxUnavailable": 0},
        "answers until nobody asks": pause >= 5,
        "has time to finish": pod["terminationGracePeriodSeconds"] >= pause + 40,
        "is spread": len(pod["topologySpreadConstraints"]) == 1
        and "podAntiAffinity" in pod["affinity"],
        "names its ports": {"metrics"} <= {each["name"] for each in unit["ports"]},
    }
    return [
        f"{title(deployment)}: no longer {what}" for what, holds in demands.items() if not holds
    ]


def test_every_pod_is_locked_down_bounded_and_pinned(objects):
    assert [line for each in of_kind(objects, *WORKLOADS) for line in unsafe(each)] == []


def test_a_roll_out_loses_nothing(objects):
    assert [line for each in units(objects) for line in unready(each)] == []


def test_there_are_never_two_opinions_on_who_is_logged_out(objects):
    spec = named(objects, "Deployment", "valkey")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def test_every_namespace_refuses_other_pods(objects):
    for each in of_kind(objects, "Namespace"):
        labels = each["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted", title(each)


def test_custom_images_are_pinned(objects):
    for each in of_kind(objects, "Cluster"):
        assert PINNED.match(each["spec"]["imageName"]), title(each)
    for each in of_kind(objects, "RabbitmqCluster"):
        assert PINNED.match(each["spec"]["image"]), title(each)


def test_the_manifests_hold_no_secret(objects):
    assert of_kind(objects, "Secret") == []
    found = [
        f"{path.name}: {line.strip()}"
        for path in FOLDER.rglob("*.*")
        if path.suffix != ".md"
        for line in path.read_text().splitlines()
        if SECRET_WORDS.search(line)
    ]
    assert found == []


def test_accounts_of_the_cluster_may_do_what_they_need_in_one_namespace(production):
    assert of_kind(production, "ClusterRole", "ClusterRoleBinding") == []
    allowed = {
        (each["metadata"]["namespace"], group, resource, verb)
        for each in of_kind(production, "Role")
        for rule in each["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    group = "postgresql.cnpg.io"
    assert allowed == {
        ("carport", group, "clusters", "list"),
        ("carport", group, "backups", "list"),
        ("carport-restore", group, "clusters", "create"),
        ("carport-restore", group, "clusters", "get"),
        ("carport-restore", group, "clusters", "delete"),
    }


def test_each_role_gets_its_own_database_user_and_only_workers_the_broker(objects):
    for service in SERVICES:
        role_of = {"web": "app", "worker": "app", "migrate": "owner"}
        for part, role in role_of.items():
            kind = "Job" if part == "migrate" else "Deployment"
            mounted = secrets_of(named(objects, kind, f"{service}-{part}"))
            assert mounted["database-url"] == (f"{service}-db-{role}", "url")
            assert mounted["keys.json"] == (f"{service}-keys", "keys.json")
            assert ("bus-url" in mounted) is (part == "worker")
    readers = secrets_of(named(objects, "CronJob", "verify"))
    wanted = {f"{name}-url": (f"{name}-db-reader", "url") for name in SERVICES}
    assert readers == wanted | {f"{name}-ca.crt": (f"{name}-db-ca", "ca.crt") for name in SERVICES}


SINS = {
    "root": ("pod", "securityContext", {}),
    "a writable root": ("unit", "securityContext", {"readOnlyRootFilesystem": False}),
    "no limits": ("unit", "resources", {"requests": {"cpu": "1", "memory": "1Gi"}}),
    "no tag": ("unit", "image", "carport/gateway"),
    "the latest tag": ("unit", "image", "carport/gateway:latest"),
    "the node's network": ("pod", "hostNetwork", True),
    "a token": ("pod", "automountServiceAccountToken", True),
    "no time to finish": ("pod", "terminationGracePeriodSeconds", 5),
    "no pause": ("unit", "lifecycle", {}),
    "no probe": ("unit", "readinessProbe", {}),
}


@pytest.mark.parametrize("sin", SINS)
def test_what_is_wrong_with_a_pod_is_named(sin, production):
    where, member, value = SINS[sin]
    gateway = copy.deepcopy(named(production, "Deployment", "gateway"))
    place = template(gateway)["spec"] if where == "pod" else container(gateway)
    place[member] = value
    assert container(gateway)["name"] == UNIT
    assert len(unsafe(gateway) + unready(gateway)) > 0


def test_a_secret_in_a_file_is_noticed():
    assert SECRET_WORDS.search("value: amqp://carport:abc123@broker")
    assert SECRET_WORDS.search("-----BEGIN EC PRIVATE KEY-----")
    assert not SECRET_WORDS.search("passwordSecret: {name: auth-db-app}")
