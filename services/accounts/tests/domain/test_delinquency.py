"""Days past due, M1 of the domain guide."""

from __future__ import annotations

import pytest
from carport.accounts.domain.delinquency import Instalment, days_past_due, past_due

from .builders import day, loan, opened, paid


@pytest.mark.parametrize(
    ("on", "days"),
    [("05-23", 29), ("05-24", 30), ("06-23", 60), ("07-23", 90), ("10-21", 180)],
)
def test_days_past_due_count_from_the_oldest_unsatisfied_due_date_m1(on: str, days: int) -> None:
    derived = opened(loan(), on, paid("02-24"), paid("03-24"))
    assert derived.state.days_past_due == days


def test_paying_the_oldest_instalment_moves_the_count_to_the_next_one() -> None:
    derived = opened(loan(), "06-23", paid("02-24"), paid("03-24"), paid("06-01"))
    assert derived.state.days_past_due == 30


def test_a_satisfied_instalment_is_never_past_due() -> None:
    instalments = [
        Instalment(1, day("02-24"), 100, 100, day("02-24")),
        Instalment(2, day("03-24"), 100, 40),
        Instalment(3, day("04-24"), 100),
    ]
    assert past_due(instalments, on=day("04-24")) == 60
    assert past_due(instalments, on=day("04-25")) == 160
    assert days_past_due(instalments, on=day("03-24")) == 0
    assert days_past_due(instalments, on=day("03-25")) == 1
