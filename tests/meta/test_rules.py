"""Rules of the house that no linter knows, and two that the linter does know, seen to fail."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

EDGE = {"api", "__main__"}


def calls_of(text, *names):
    """Lines that call a method of one of these names."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    ]


def inside_services(sources):
    """``(path, layer, text)``: the layer is the file's or folder's name inside its service."""
    for path, text in sources.items():
        if path.startswith("services/"):
            yield path, path.split("/")[5].removesuffix(".py"), text


def test_only_the_edge_opens_and_commits_transactions(sources):
    found = {
        path: lines
        for path, layer, text in inside_services(sources)
        if layer not in EDGE and (lines := calls_of(text, "transaction", "commit", "rollback"))
    }
    assert found == {}


def test_calls_of_finds_a_transaction():
    assert calls_of("with runtime.transaction() as tx:\n    tx.commit()\n", "transaction") == [1]


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
        "import urllib.request\n\nOPEN = urllib.request.urlopen\n",
        "import uuid\n\nID = uuid.uuid4()\n",
        "import random\n\nDIE = random.randint(1, 6)\n",
    ],
)
def test_a_service_that_reads_a_clock_or_calls_out_is_refused(root, code):
    name = "services/lease/src/carport/lease/commands.py"
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--select",
            "TID251",
            "--stdin-filename",
            name,
            "-",
        ],
        cwd=root,
        input=code,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stdout
    assert "TID251" in result.stdout
