"""The manifests of deploy/kubernetes as Kubernetes and its operators would see them."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
SCHEMAS = ROOT / "tests" / "kubernetes" / "schemas"
OVERLAYS = ("single-node", "production")
VERSION = "1.34"
SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
KUBECTL = Path(sys.executable).with_name("kubectl")
WORKLOADS = ("Deployment", "Job", "CronJob")
UNIT = "unit"


def render(overlay, folder=FOLDER):
    """Every object of *overlay*; what kubectl says when it cannot be rendered."""
    told = subprocess.run(
        [KUBECTL, "kustomize", folder / "overlays" / overlay],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert told.returncode == 0, told.stderr
    return list(yaml.safe_load_all(told.stdout))


def of_kind(objects, *kinds):
    return [each for each in objects if each["kind"] in kinds]


def named(objects, kind, name):
    (found,) = (each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)
    return found


def title(thing):
    meta = thing["metadata"]
    return f"{thing['kind']} {meta.get('namespace', '-')}/{meta['name']}"


def template(workload):
    """The pod template of a Deployment, Job or CronJob."""
    spec = workload["spec"]
    return (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]


def container(workload):
    (found,) = template(workload)["spec"]["containers"]
    return found


@functools.cache
def custom_schemas():
    """``apiVersion kind`` -> schema of its spec; nothing but what the schema names is allowed."""
    found = {}
    for path in SCHEMAS.glob("*.json"):
        for kind, schema in json.loads(path.read_text())["kinds"].items():
            found[kind] = Draft202012Validator(closed(schema))
    return found


def closed(schema):
    """*schema* with no member allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema:
        inner["properties"] = {name: closed(part) for name, part in schema["properties"].items()}
        inner.setdefault("additionalProperties", False)
    return inner


def invalid(objects):
    """What Kubernetes, or the operator whose kind it is, would refuse; one sentence each."""
    return [f"{title(each)}: {why}" for each in objects for why in refusals(each)]


def refusals(thing):
    own = custom_schemas().get(f"{thing['apiVersion']} {thing['kind']}")
    if own is not None:
        for fault in own.iter_errors(thing["spec"]):
            yield f"{fault.json_path}: {fault.message}"
        return
    try:
        kubernetes_validate.validate(thing, VERSION, strict=True)
    except kubernetes_validate.ValidationError as fault:
        yield f"{'.'.join(str(part) for part in fault.path)}: {fault.message}"
    except kubernetes_validate.SchemaNotFoundError as fault:
        yield fault.message


def matches(selector, labels):
    """Whether *labels* fulfil a Kubernetes label selector."""
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(fulfils(each, labels) for each in selector.get("matchExpressions", []))


def fulfils(expression, labels):
    key, values = expression["key"], expression.get("values", [])
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def units(objects):
    """The Deployments that are units of ours."""
    return [each for each in of_kind(objects, "Deployment") if each["metadata"]["name"] != "valkey"]


def secrets_of(workload):
    """file -> (secret, key) of what is mounted."""
    (volume,) = (
        each for each in template(workload)["spec"]["volumes"] if each["name"] == "secrets"
    )
    return {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
