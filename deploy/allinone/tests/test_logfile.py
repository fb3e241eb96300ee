"""The log of the embedded mode stays bounded and whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from carport.allinone.logfile import LogFile


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def lines_of(folder):
    return [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_a_log_that_is_full_is_put_aside_and_the_oldest_goes(folder):
    with LogFile(folder / "carport.log", bytes_max=1000, kept=2) as log:
        for number in range(200):
            log.write(f'{{"number": {number}}}\n')
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) == {"carport.log", "carport.log.1", "carport.log.2"}
    assert max(sizes.values()) <= 1000
    assert (folder / "carport.log").read_text().endswith('{"number": 199}\n')


def test_what_is_there_is_kept_by_the_next_start(folder):
    for text in ("one\n", "two\n"):
        with LogFile(folder / "carport.log") as log:
            log.write(text)
    assert lines_of(folder) == ["one", "two"]


def test_a_line_longer_than_the_limit_is_written_all_the_same(folder):
    with LogFile(folder / "carport.log", bytes_max=10) as log:
        log.write("x" * 50 + "\n")
        log.write("y\n")
    assert lines_of(folder) == ["y", "x" * 50]


def test_lines_of_many_threads_stay_whole(folder):
    with LogFile(folder / "carport.log", bytes_max=2000, kept=1000) as log:

        def write(name):
            for number in range(100):
                log.write(f"{name}-{number}-end\n")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcdef"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = {f"{name}-{number}-end" for name in "abcdef" for number in range(100)}
    found = lines_of(folder)
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_full_disk_costs_lines_and_nothing_else():
    with LogFile(Path("/dev/full")) as log:
        assert log.write("lost\n") == 5
