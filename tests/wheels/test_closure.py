"""Each service alone: its wheel and what that needs, in an environment without the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "accounts", "payments", "notifications", "lease")
TEST_TOOLS = ("pytest", "pytest-timeout", "hypothesis", "jsonschema", "time-machine")
SETTINGS = """
[pytest]
addopts = -q --strict-markers --import-mode=importlib
timeout = 120
filterwarnings = error
"""
RUN_S_MAX = 400


def run(*command: str | Path, **more) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """The wheels of the shared library and of all services."""
    folder = tmp_path_factory.mktemp("wheels")
    units = [ROOT / "shared", *(ROOT / "services" / name for name in SERVICES)]
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
        "-w", folder, *units)  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def versions(tmp_path_factory):
    """The locked versions as constraints: the wheels' own requirements decide what is installed."""
    pins: set[str] = set()
    for name in ("run", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pins |= set(re.findall(r"^([A-Za-z0-9._\[\]-]+==[^\s;\\]+(?: ; [^\\\n]+)?)", text, re.M))
    file = tmp_path_factory.mktemp("pins") / "constraints.txt"
    file.write_text("\n".join(sorted(re.sub(r"\[[^\]]*\]", "", pin) for pin in pins)))
    return file


@pytest.mark.timeout(2 * RUN_S_MAX)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_passes_its_tests_with_nothing_but_its_wheel_and_what_that_needs(
    service, wheels, versions, tmp_path
):
    python = tmp_path / "env" / "bin" / "python"
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env")
    (wheel,) = wheels.glob(f"carport_{service}-*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "-c", versions,
        "--find-links", wheels, f"{wheel}", *TEST_TOOLS)  # fmt: skip
    present = run(python, "-c", "import carport; print(*[p.name for f in carport.__path__"
                  " for p in __import__('pathlib').Path(f).iterdir()])", cwd=tmp_path)  # fmt: skip
    assert set(present.stdout.split()) == {"shared", service}
    shutil.copytree(ROOT / "services" / service / "tests", tmp_path / "tests")
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    done = run(python, "-m", "pytest", "tests", cwd=tmp_path)
    assert re.search(r"[1-9]\d* passed", done.stdout)
