"""Nothing of the machine it was written on, and no registry, is in the repository."""

from __future__ import annotations

import re

# A dot is written [.], and a slash stands before a group, so that this file does not find itself.
REGISTRIES = re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|index-url[ =]\S*:/")
MACHINE = re.compile(r"(?<![\w.:/-])/(?:work|root|home/\w+|Users/\w+|opt/(?:pypi|wheels))/")
TRACKER = re.compile(r"(?i)\b(?:issue|closes|fixes|resolves|pull request|PR)\s*#?\s*\d+\b")


def mentions(files, pattern):
    for path in files:
        content = path.read_bytes()
        if b"\0" not in content:
            for number, line in enumerate(content.decode().splitlines(), start=1):
                if pattern.search(line):
                    yield f"{path.name}:{number}: {line.strip()[:100]}"


def test_no_file_names_a_package_registry(repository_files):
    assert list(mentions(repository_files, REGISTRIES)) == []


def test_no_file_holds_a_path_of_somebodys_machine(repository_files):
    assert list(mentions(repository_files, MACHINE)) == []


def test_no_file_needs_a_tracker_to_be_understood(repository_files):
    assert list(mentions(repository_files, TRACKER)) == []


def test_the_patterns_find_what_they_look_for():
    assert REGISTRIES.search(".".join(["see https://pypi", "org"]))
    assert MACHINE.search("/".join(["in ", "root", "notes"])) and not MACHINE.search(
        "/v1/accounts/"
    )
    assert TRACKER.search(" ".join(["fixes", "#12"])) and not TRACKER.search("issued 12 statements")


def test_every_locked_package_has_hashes_and_no_address(root):
    for name in ("run.txt", "dev.txt"):
        text = (root / "requirements" / name).read_text()
        assert "://" not in text and "file:" not in text, name
        blocks = re.split(r"\n(?=\S)", text.strip())
        assert [block for block in blocks if "--hash=sha256:" not in block] == [], name


def test_the_namespace_has_no_init_file(root):
    assert list(root.glob("**/src/carport/__init__.py")) == []
