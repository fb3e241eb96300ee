"""Every unit is told what it reads and reads what it is told, as its own code sees it."""

from __future__ import annotations

import copy
import importlib
import os
from urllib.parse import urlsplit

import pytest
from carport.allinone import databases
from carport.allinone.options import make_parser
from carport.shared import cli, config
from support.manifests import (
    SERVICES,
    WORKLOADS,
    container,
    named,
    of_kind,
    secrets_of,
    template,
    title,
    units,
)

SECRETS = "/run/secrets/carport/"
OTHERS_READ = {"SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""Variables of Python and of OpenTelemetry."""
EXAMPLES = {
    "database-url": "postgresql://carport_x:secret@x-db-rw:5432/carport_x",
    "bus-url": "amqp://carport-x:secret@broker:5672/carport",
    "sessions-url": "redis://:secret@valkey:6379/0",
    "limits-url": "redis://:secret@valkey:6379/1",
    "keys.json": "{}",
    **{f"{name}-url": f"postgresql://carport_{name}_reader@db/x" for name in SERVICES},
}


def environment(objects, workload):
    """What the unit is told: from ConfigMaps, and its own."""
    unit = container(workload)
    told = {}
    for source in unit.get("envFrom", []):
        told |= named(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    return told | {each["name"]: each["value"] for each in unit.get("env", [])}


class Recorded(dict):
    """An environment that remembers what was asked for."""

    def __init__(self, values):
        super().__init__(values)
        self.asked = set()

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key):
        self.asked.add(key)
        return super().__contains__(key)


def start(workload):
    """Read the environment as the unit does when it starts."""
    if workload["kind"] == "CronJob":
        assert set(databases.named()) == set(SERVICES)
        return None
    name = template(workload)["metadata"]["labels"]["app.kubernetes.io/name"]
    if name == "gateway":
        return importlib.import_module("carport.gateway.__main__").configure()
    if name == "portal":
        return importlib.import_module("carport.portal.__main__").read_environment()
    (role,) = container(workload)["args"]
    return config.load(name, serves=role not in cli.BACKSTAGE)


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """Give the unit of a workload its environment, secrets in files; what it asked for."""

    def run(objects, workload):
        for path in secrets_of(workload):
            file = tmp_path / path
            file.write_text(EXAMPLES.get(path, "certificate"))
            file.chmod(0o440)
        told = environment(objects, workload)
        values = Recorded(
            {key: value.replace(SECRETS, f"{tmp_path}/") for key, value in told.items()}
        )
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", values)
            start(workload)
        return values.asked

    return run


def test_every_unit_starts_with_what_it_is_told(objects, tell):
    for workload in [*units(objects), *of_kind(objects, "Job")]:
        tell(objects, workload)


def test_every_variable_is_read_by_a_unit_that_gets_it(objects, tell):
    unread, read = {}, set()
    for workload in [*units(objects), *of_kind(objects, "Job")]:
        asked = tell(objects, workload)
        told = environment(objects, workload).keys()
        read |= told & asked
        own = {each["name"] for each in container(workload).get("env", [])}
        unread[title(workload)] = own - asked - OTHERS_READ
        common = told - own - OTHERS_READ
        unread.setdefault("common", set()).update(common)
    unread["common"] -= read
    assert {name: left for name, left in unread.items() if left} == {}


def test_every_secret_file_that_is_named_is_mounted(objects):
    for workload in of_kind(objects, *WORKLOADS):
        named_files = {
            value.removeprefix(SECRETS)
            for value in environment(objects, workload).values()
            if value.startswith(SECRETS)
        }
        if named_files:
            assert named_files <= secrets_of(workload).keys(), title(workload)


def test_production_speaks_tls_between_all_units(production):
    for workload in units(production):
        told = environment(production, workload)
        addresses = {key: value for key, value in told.items() if "://" in value}
        plain = {key for key, value in addresses.items() if value.startswith("http://")}
        assert plain <= {"OTEL_EXPORTER_OTLP_ENDPOINT"}, title(workload)
        is_worker = (
            container(workload)["args"] == ["worker"] if "args" in container(workload) else False
        )
        assert is_worker or "CARPORT_TLS_KEY_FILE" in told, title(workload)


def test_every_certificate_names_the_service_it_is_for(production):
    services = {each["metadata"]["name"] for each in of_kind(production, "Service")} | {"broker"}
    certificates = of_kind(production, "Certificate")
    names = {name for each in certificates for name in each["spec"].get("dnsNames", [])}
    assert services <= names and names - services == {"broker.carport.svc"}
    secrets = {each["spec"]["secretName"] for each in certificates}
    mounted = {
        secret
        for each in of_kind(production, "Deployment")
        for secret, key in secrets_of(each).values()
        if key == "tls.key"
    }
    assert mounted <= secrets


def test_a_missing_and_an_unknown_variable_are_noticed(production, tell):
    changed = copy.deepcopy(production)
    unit = container(named(changed, "Deployment", "gateway"))
    unit["env"] = [each for each in unit["env"] if each["name"] != "CARPORT_SESSIONS_URL_FILE"]
    with pytest.raises(Exception, match="SESSIONS_URL"):
        tell(changed, named(changed, "Deployment", "gateway"))
    asked = tell(production, named(production, "Deployment", "gateway"))
    assert "CARPORT_UPSTREAM_AUTH" in asked and "CARPORT_UPSTREAM_OTHER" not in asked


def test_every_check_is_a_command_that_is_told_what_it_reads(objects, tell):
    for check in of_kind(objects, "CronJob"):
        asked = make_parser().parse_args(container(check)["args"])
        assert callable(asked.run), title(check)
        variables = {each["name"] for each in container(check).get("env", [])}
        if variables:
            read = tell(objects, check)
            assert variables - read == {"CARPORT_RESTORE_IMAGE"} & variables, title(check)


def test_the_host_that_is_served_is_the_public_one(objects):
    told = environment(objects, named(objects, "Deployment", "gateway"))
    public = urlsplit(told["CARPORT_PUBLIC_BASE_URL"])
    assert public.scheme == "https"
    assert [each["spec"]["hostnames"] for each in of_kind(objects, "HTTPRoute")] == [
        [public.netloc]
    ]
    for each in of_kind(objects, "Gateway"):
        assert [listener["hostname"] for listener in each["spec"]["listeners"]] == [public.netloc]
