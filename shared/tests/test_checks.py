"""Checks name the first rows, survive what was changed by hand, and compare sorted streams."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from carport.shared import checks
from carport.shared.checks import FINDINGS_MAX, Check, Finding, paired, sentences, stream
from carport.shared.db import make_engine
from sqlalchemy.exc import OperationalError

NOW = datetime(2025, 1, 1, tzinfo=UTC)
NUMBERS = sa.text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "SELECT i FROM n"
)


@pytest.fixture
def tx(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.connect().execution_options(carport_reading=True) as connection:
        yield connection
    engine.dispose()


def check(run):
    return Check("I-01", "All is well.", "Mend it.", run)


def test_a_check_names_the_first_rows_and_says_that_there_are_more(tx):
    found = list(check(lambda tx, _: (f"row {r.i}" for r in stream(tx, NUMBERS))).findings(tx, NOW))
    assert found[0] == Finding("I-01", "row 1", "Mend it.")
    assert [f.detail for f in found[-2:]] == [f"row {FINDINGS_MAX}", "and there are more"]


def test_rows_that_cannot_be_read_are_a_finding_and_the_next_check_goes_on(tx):
    def unreadable(tx, _before):
        for row in stream(tx, NUMBERS):
            if row.i > checks.PAGE:
                raise ValueError("no such state\nand more")
            yield from ()

    (found,) = check(unreadable).findings(tx, NOW)
    assert found.detail == "this cannot be checked: ValueError: no such state"
    (found,) = check(lambda tx, _: tx.execute(sa.text("SELECT absent"))).findings(tx, NOW)
    assert "no such column" in found.detail
    assert list(check(lambda _tx, _before: ()).findings(tx, NOW)) == []


def test_a_database_that_is_away_is_no_finding(tx):
    def away(_tx, _before):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    with pytest.raises(OperationalError):
        list(check(away).findings(tx, NOW))


def test_a_service_says_its_findings_in_sentences(tx):
    verify = sentences([check(lambda _tx, _before: ["this"]), check(lambda _tx, _before: [])])
    assert verify(tx) == ["I-01: this"]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("", "", []),
        ("ab", "", [("a", None), ("b", None)]),
        ("", "ab", [(None, "a"), (None, "b")]),
        ("abd", "bcd", [("a", None), ("b", "b"), (None, "c"), ("d", "d")]),
        ("aab", "ab", [("a", "a"), ("a", None), ("b", "b")]),
    ],
)
def test_sorted_streams_are_put_side_by_side(left, right, expected):
    assert list(paired(left, right)) == expected
