"""The two scripts: secrets are made once and seen by nobody, and a roll-out migrates first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from support.manifests import (
    FOLDER,
    KUBECTL,
    OVERLAYS,
    SERVICES,
    WORKLOADS,
    of_kind,
    template,
    title,
)

FAKE = """#!/bin/sh
cd '{folder}'
{{ printf '%s\\t' "$@"; echo; }} >> calls
[ "$1" != kustomize ] || exec '{kubectl}' "$@"
[ "$1" != -n ] || {{ namespace=$2; shift 2; }}
case "$*" in
    "get secret"*jsonpath*)
        key=${{5#*data.}} key=$(printf %s "${{key%?}}" | tr -d '\\\\')
        base64 "secrets/$namespace/$3/$key" ;;
    "get secret"*) [ -d "secrets/$namespace/$3" ] ;;
    "create secret generic"*)
        made=secrets/$namespace/$4
        mkdir -p "$made"
        for given in "$@"; do
            case $given in
                --from-file=*=*) given=${{given#*=}}; cp "${{given#*=}}" "$made/${{given%%=*}}" ;;
            esac
        done ;;
esac
"""
MADE_BY_OTHERS = {"backup-store", "backup-store-reader", "carport-ca"}
OF_OPERATORS = ("-tls", "-db-ca")


class Cluster:
    """A cluster that keeps the secrets it is given and every call."""

    def __init__(self, folder):
        self.folder = folder / "cluster"
        self.folder.mkdir()
        path = folder / "bin" / "kubectl"
        path.parent.mkdir()
        path.write_text(FAKE.format(folder=self.folder, kubectl=KUBECTL))
        path.chmod(0o755)
        self.environ = {
            **os.environ,
            "PATH": f"{path.parent}:{os.environ['PATH']}",
            "CARPORT": f"{sys.executable} -m carport.allinone",
            "TMPDIR": str(folder),
        }

    def run(self, script, overlay):
        told = subprocess.run(
            [FOLDER / script, overlay],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert told.returncode == 0, told.stderr
        lines = (self.folder / "calls").read_text().splitlines()
        (self.folder / "calls").unlink()
        return [line.split("\t")[:-1] for line in lines]

    def secrets(self, namespace="carport"):
        return {
            secret.name: {path.name: path.read_text() for path in secret.iterdir()}
            for secret in (self.folder / "secrets" / namespace).iterdir()
        }


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def mounted(objects):
    """(namespace, secret, key) of every file."""
    for each in of_kind(objects, *WORKLOADS):
        for volume in template(each)["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", []):
                for item in source["secret"]["items"]:
                    yield each["metadata"]["namespace"], source["secret"]["name"], item["key"]


def referred(objects):
    """(namespace, secret, key) of what operators are told to read."""
    for each in of_kind(objects, "TriggerAuthentication"):
        for part in each["spec"]["secretTargetRef"]:
            yield "carport", part["name"], part["key"]
    users = [each["spec"]["importCredentialsSecret"] for each in of_kind(objects, "User")]
    for each in of_kind(objects, "Cluster"):
        users.append(each["spec"]["bootstrap"]["initdb"]["secret"])
        users += [role["passwordSecret"] for role in each["spec"]["managed"]["roles"]]
    for user in users:
        yield "carport", user["name"], "username"
        yield "carport", user["name"], "password"


def needed(objects):
    """What of it no operator makes."""
    return {
        (namespace, name, key)
        for namespace, name, key in [*mounted(objects), *referred(objects)]
        if name not in MADE_BY_OTHERS and not name.endswith(OF_OPERATORS)
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_that_is_needed_is_made(overlay, rendered, cluster):
    cluster.run("make-secrets", overlay)
    missing = [
        each
        for each in sorted(needed(rendered[overlay]))
        if each[2] not in cluster.secrets(each[0]).get(each[1], {})
    ]
    assert missing == []


def test_addresses_have_the_roles_passwords_and_certificates_they_are_for(cluster, production):
    cluster.run("make-secrets", "production")
    secrets = cluster.secrets()
    for service in SERVICES:
        for kind, role in {"owner": "_owner", "app": "", "reader": "_reader"}.items():
            secret = secrets[f"{service}-db-{kind}"]
            assert secret["username"] == f"carport_{service}{role}"
            assert secret["url"].startswith(
                f"postgresql://{secret['username']}:{secret['password']}@{service}-db-rw.carport.svc:"
            )
            assert "sslmode=verify-full" in secret["url"]
        broker = secrets[f"{service}-broker"]
        assert broker["url"] == (
            f"amqps://carport-{service}:{broker['password']}@broker:5671/carport"
        )
        reader = secrets[f"{service}-db-reader"]["password"]
        readers = cluster.secrets("carport-restore")["readers"]
        assert f":{reader}@{service}-db-restored-rw:" in readers[f"{service}-url"]
    passwords = [value["password"] for value in secrets.values() if "password" in value]
    assert len(set(passwords)) == len(passwords) == 21 and min(map(len, passwords)) == 48
    assert secrets["sessions"]["sessions-url"].startswith("rediss://")
    assert json.loads(secrets["auth-keys"]["keys.json"])["signing"]


def test_nobody_sees_a_password_and_what_is_there_stays_as_it_is(cluster, tmp_path):
    calls = cluster.run("make-secrets", "production")
    before = cluster.secrets()
    passwords = [value["password"] for value in before.values() if "password" in value]
    assert not any(password in json.dumps(calls) for password in passwords)
    again = cluster.run("make-secrets", "production")
    assert cluster.secrets() == before
    assert not any("generic" in call for call in again)
    assert {path.name for path in tmp_path.iterdir()} == {"cluster", "bin"}


def selected(selector, thing):
    """Whether a ``key in (…)``, ``key notin (…)`` or ``key=value`` selector finds *thing*."""
    labels = thing["metadata"].get("labels", {})
    key, _, rest = selector.partition(" ")
    if not rest:
        name, _, value = selector.partition("=")
        return labels.get(name) == value
    word, _, values = rest.partition(" ")
    is_in = labels.get(key) in values.strip("()").split(",")
    return is_in if word == "in" else not is_in


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_roll_out_applies_everything_once_and_migrates_before_the_units(
    overlay, rendered, cluster
):
    calls = cluster.run("roll-out", overlay)
    applied = [call[call.index("-l") + 1] for call in calls if call[0] == "apply" and "-l" in call]
    assert len(applied) == 3
    phases = {
        title(each): [number for number, by in enumerate(applied) if selected(by, each)]
        for each in rendered[overlay]
    }
    assert {name: at for name, at in phases.items() if len(at) != 1} == {}
    assert {name for name, at in phases.items() if at == [1]} == {
        f"Job carport/{service}-migrate" for service in SERVICES
    }
    units = {name for name, at in phases.items() if at == [2]}
    assert {name for name in units if name.startswith("Deployment")} == {
        title(each)
        for each in of_kind(rendered[overlay], "Deployment")
        if each["metadata"]["name"] != "valkey"
    }
    words = [" ".join(call) for call in calls]
    migrate = next(n for n, line in enumerate(words) if "condition=Complete jobs" in line)
    begin = next(
        n
        for n, line in enumerate(words)
        if line.startswith("apply -l app.kubernetes.io/component in")
    )
    assert migrate < begin


def test_another_overlay_is_refused():
    for script in ("make-secrets", "roll-out"):
        told = subprocess.run([FOLDER / script], capture_output=True, text=True, timeout=20)
        assert told.returncode != 0 and "which overlay" in told.stderr
    assert shutil.which("sh")
