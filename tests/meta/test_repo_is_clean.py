"""Nothing of the machine it was written on, and no registry, is in the repository."""

from __future__ import annotations

import hashlib
import re

# Registries are known by the hash of their last two labels: no file names one, not even this.
REGISTRIES = {
    "a4aa2ac280bb8d1a",
    "8b5bb5eb9d758455",
    "8743857e3ea00fd1",
    "3ca29e55be4befa4",
}
HOST = re.compile(r"(?:[\w-]+[.])*([\w-]+[.][a-z]{2,})", re.IGNORECASE)
INDEX = re.compile(r"index[-]url[ =]\S*:/")
# A slash stands before a group, so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.:/-])/(?:work|root|home/\w+|Users/\w+|opt/(?:pypi|wheels))/")
TRACKER = re.compile(r"(?i)\b(?:issue|closes|fixes|resolves|pull request|PR)\s*#?\s*\d+\b")


def names_a_registry(line):
    """Whether a host in *line*, or an option in it, is a package registry's."""
    ends = {found.group(1).lower() for found in HOST.finditer(line)}
    known = {hashlib.sha256(end.encode()).hexdigest()[:16] for end in ends}
    return bool(known & REGISTRIES or INDEX.search(line))


def mentions(files, is_found):
    for path in files:
        content = path.read_bytes()
        if b"\0" not in content:
            for number, line in enumerate(content.decode().splitlines(), start=1):
                if is_found(line):
                    yield f"{path.name}:{number}: {line.strip()[:100]}"


def test_no_file_names_a_package_registry(repository_files):
    assert list(mentions(repository_files, names_a_registry)) == []


def test_no_file_holds_a_path_of_somebodys_machine(repository_files):
    assert list(mentions(repository_files, MACHINE.search)) == []


def test_no_file_needs_a_tracker_to_be_understood(repository_files):
    assert list(mentions(repository_files, TRACKER.search)) == []


def test_the_patterns_find_what_they_look_for():
    for name, end in (("pypi", "org"), ("files.pythonhosted", "org"), ("npmjs", "org"),
                      ("registry.npmjs", "com")):  # fmt: skip
        for text in (f"see https://{name}.{end}/x", f"at {name}.{end}", f'"{name.upper()}.{end}"'):
            assert names_a_registry(text)
    assert names_a_registry("--index" + "-url https://host.example.com/x")
    assert not names_a_registry("https://www.example.org and carport.shared.db")
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
