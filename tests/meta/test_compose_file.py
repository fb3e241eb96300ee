"""What docker-compose.yml promises, read without an engine."""

from __future__ import annotations

import pytest
import yaml

SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
OURS = "carport/"


@pytest.fixture(scope="module")
def stack(root):
    return yaml.safe_load((root / "docker-compose.yml").read_text())["services"]


def secrets(container):
    """Names of the secrets a container is given."""
    given = container.get("secrets", ())
    return {each if isinstance(each, str) else each["source"] for each in given}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_three_containers_of_one_image(stack, name):
    roles = {role: stack[f"{name}-{role}"] for role in ("migrate", "web", "worker")}
    assert {each["command"][0] for each in roles.values()} == set(roles)
    assert len({each["image"] for each in roles.values()}) == 1
    for role in ("web", "worker"):
        needs = roles[role]["depends_on"]
        assert needs[f"{name}-migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_given_the_secrets_of_its_role_only(stack, name):
    keys, own = f"{name}_keys", f"{name}_database_url"
    assert secrets(stack[f"{name}-migrate"]) == {keys, f"{name}_owner_url"}
    assert secrets(stack[f"{name}-web"]) == {keys, own}
    assert secrets(stack[f"{name}-worker"]) == {keys, own, "bus_url"}


def test_only_the_gateway_has_a_port_and_only_on_loopback(stack):
    published = {name: each["ports"] for name, each in stack.items() if each.get("ports")}
    assert published == {"gateway": ["127.0.0.1:${PORT:-8000}:8080"]}


def test_no_container_has_more_rights_than_it_needs(stack):
    for name, each in stack.items():
        assert each["read_only"], name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["mem_limit"], name
        assert each["logging"]["options"]["max-size"], name
        assert each["image"].startswith(OURS) or each["user"] not in ("root", "0"), name


def test_every_replica_may_be_one_of_several(stack):
    for name, each in stack.items():
        assert "container_name" not in each, name
        assert "hostname" not in each or name == "rabbitmq", name


def test_what_is_built_is_a_unit(root, stack):
    built = {each["build"]["args"]["UNIT"] for each in stack.values() if each.get("build")}
    units = {
        path.parent.relative_to(root).as_posix() for path in root.glob("services/*/pyproject.toml")
    }
    assert built == units | {"gateway", "portal", "deploy/allinone"}


def test_every_base_image_has_its_release_written_down(root, stack):
    named = {each["image"] for each in stack.values() if not each["image"].startswith(OURS)}
    assert named == {"postgres:17", "rabbitmq:4-management", "valkey/valkey:8"}
    for release in ("3.13", "3.11"):
        assert f"python:{release}-slim" in (root / "Dockerfile").read_text()
