"""What the tests about the code itself look at."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "accounts", "payments", "notifications", "lease")


@pytest.fixture(scope="session")
def root():
    return ROOT


def load(name):
    return importlib.import_module(f"carport.{name}.service").SERVICE


@pytest.fixture(scope="session")
def services():
    """The SERVICE value of each service, by name."""
    return {name: load(name) for name in SERVICES}


@pytest.fixture(params=SERVICES)
def service(request):
    """One SERVICE value after the other."""
    return load(request.param)


@pytest.fixture(scope="session")
def sources(root):
    """The Python files of all units, without tests and migrations: path -> text."""
    found = sorted(root.glob("**/src/carport/**/*.py"))
    kept = (path for path in found if ".venv" not in path.parts and "versions" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text() for path in kept}


@pytest.fixture(scope="session")
def repository_files(root):
    """Every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]
