"""Each import contract holds on the code, and fails on a copy with one forbidden import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
SINS = {
    "system-layers": [
        ("lease/service.py", "import carport.accounts.service"),
        ("shared/db.py", "import carport.auth"),
    ],
    "inside-a-service": [
        ("lease/tables.py", "import carport.lease.handlers"),
        ("lease/helpers.py", "LIMIT = 1"),
    ],
    "pure-domain": [
        ("accounts/domain/__init__.py", "import sqlalchemy"),
        ("payments/domain/__init__.py", "import carport.shared.db"),
    ],
    "web-edge": [
        ("payments/commands.py", "import werkzeug"),
        ("lease/repo.py", "import carport.shared.web"),
    ],
    "broker": [("payments/handlers.py", "import pika"), ("gateway/__init__.py", "import kombu")],
    "no-calls": [("lease/commands.py", "import httpx2"), ("auth/api.py", "import carport.portal")],
    "pure-kernel": [
        ("shared/kernel/money.py", "import sqlalchemy"),
        ("shared/kernel/money.py", "import carport.shared.errors"),
    ],
    "shared-layers": [
        ("shared/db.py", "import carport.shared.web"),
        ("shared/utils.py", "LIMIT = 1"),
    ],
}


@pytest.fixture
def copy(root, tmp_path):
    """Every unit's sources in one folder, with the repository's configuration."""
    for unit in root.glob("**/src/carport/*/"):
        if ".venv" not in unit.parts:
            shutil.copytree(
                unit, tmp_path / "carport" / unit.name, ignore=shutil.ignore_patterns("*.pyc")
            )
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder, *options):
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_every_contract_holds(copy):
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(SINS)} kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("contract", "sin"), [(c, sin) for c, sins in SINS.items() for sin in sins]
)
def test_a_forbidden_import_breaks_its_contract(copy, contract, sin):
    path, line = sin
    with (copy / "carport" / path).open("a") as file:
        file.write(f"\n{line}\n")
    result = lint(copy, "--contract", contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout
