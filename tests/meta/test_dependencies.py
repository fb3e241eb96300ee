"""Each unit asks for exactly the packages its own code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

UNITS = [
    "shared",
    *(f"services/{n}" for n in ("auth", "accounts", "payments", "notifications", "lease")),
    "gateway",
    "portal",
    "deploy/allinone",
]
# Needed without an import: zone data for zoneinfo, the server that is started as a program.
NOT_IMPORTED = {"tzdata", "gunicorn"}


def imported(text):
    """Top-level names of absolute imports; two parts below the namespace `carport`."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
            if node.module == "carport":
                names = [f"carport.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            yield "-".join(parts[:2]) if parts[0] == "carport" else parts[0]


def plain(requirement):
    return re.split(r"[\[;<>= ]", requirement)[0]


def distribution(name, known, declared):
    """What provides the module: one that is declared, where several share a namespace."""
    found = [each.lower().replace("_", "-") for each in known.get(name, [name])]
    return next((each for each in found if each in declared), found[0])


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_declares_what_it_imports(root, unit):
    project = tomllib.loads((root / unit / "pyproject.toml").read_text())["project"]
    declared = {plain(line) for line in project["dependencies"]}
    optional = {plain(x) for xs in project.get("optional-dependencies", {}).values() for x in xs}
    texts = [path.read_text() for path in (root / unit / "src").glob("**/*.py")]
    names = {name for text in texts for name in imported(text)} - sys.stdlib_module_names
    known = packages_distributions()
    said = declared | optional
    needed = {distribution(name, known, said) for name in names} - {project["name"]}
    assert {"missing": needed - said} == {"missing": set()}
    assert {"unused": declared - needed - NOT_IMPORTED} == {"unused": set()}


@pytest.mark.parametrize("unit", UNITS)
def test_what_a_unit_declares_is_locked(root, unit):
    project = tomllib.loads((root / unit / "pyproject.toml").read_text())["project"]
    locked = re.findall(r"^([a-z0-9-]+)==", (root / "requirements/run.txt").read_text(), re.M)
    declared = {plain(line) for line in project["dependencies"]}
    assert {name for name in declared if not name.startswith("carport-")} <= set(locked)
